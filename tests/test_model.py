"""A model's name becomes a checked folder or one sentence that says what to do, without torch."""

import json
from pathlib import Path

import pytest

from ragft_core import weights
from ragft_core.errors import ModelError
from ragft_core.settings import ASSETS
from ragft_core.weights import file_sha256, find_weights, safetensors_header

from .test_adapters import safetensors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder that passes: its tensors are bytes, which the checks do not mind."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    (folder / "model.safetensors").write_bytes(safetensors({"a": b"1234", "b": b"56"}))
    return folder


def test_a_whole_folder_passes(folder: Path) -> None:
    found = find_weights(str(folder))
    assert (found.parameters, found.revision, found.folder) == (6, "", folder)
    assert found.sha256 == file_sha256(folder / "model.safetensors")


def test_the_embedded_model_is_the_base_of_its_adapters() -> None:
    card = json.loads((ASSETS / "adapters" / "clinic-raft" / "adapter_card.json").read_text("utf-8"))
    assert find_weights(str(ASSETS / "model")).sha256 == card["base_sha256"]


def test_shards_count_together_and_their_hash_depends_on_each(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").unlink()
    (folder / "one.safetensors").write_bytes(whole)
    (folder / "two.safetensors").write_bytes(safetensors({"c": b"7"}))
    index = {"weight_map": {"a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    before = find_weights(str(folder))
    assert before.parameters == 7
    first_hash = before.sha256
    (folder / "two.safetensors").write_bytes(safetensors({"c": b"88"}))
    assert find_weights(str(folder)).sha256 != first_hash
    (folder / "two.safetensors").unlink()
    with pytest.raises(ModelError, match=r"lacks its weights: two\.safetensors"):
        find_weights(str(folder))


def test_a_shard_outside_the_folder_is_not_read(folder: Path) -> None:
    outside = folder.parent / "outside.safetensors"
    outside.write_bytes(safetensors({"a": b"1"}))
    index = {"weight_map": {"a": "../outside.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="lacks its weights"):
        find_weights(str(folder))


def test_no_folder(tmp_path: Path) -> None:
    for name in (str(tmp_path / "nowhere"), "just-a-name", "a/b/c", "../x", "~/nothing-here", ""):
        with pytest.raises(ModelError, match="no model folder"):
            find_weights(name)


def test_a_hub_id_without_a_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="could not be fetched"):
        find_weights("nobody-here/no-such-model")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (None, "has no config.json"),
        ("{", "cannot be read as JSON"),
        ("[1]", "does not hold"),
        ('{"architectures": ["BertModel"]}', "does not write text"),
        ('{"architectures": ["LlamaForSequenceClassification"]}', "does not write text"),
    ],
)
def test_a_config_that_is_none(folder: Path, config: str | None, words: str) -> None:
    (folder / "config.json").unlink()
    if config is not None:
        (folder / "config.json").write_text(config)
    with pytest.raises(ModelError, match=words):
        find_weights(str(folder))


def test_an_adapter_is_not_a_model(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match="an adapter, not a base model"):
        find_weights(str(folder))


@pytest.mark.parametrize("kept", [0, 7, 30, -1])
def test_truncated_weights(folder: Path, kept: int) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:kept])
    with pytest.raises(ModelError, match="damaged"):
        find_weights(str(folder))


def test_weights_only_in_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickle"):
        find_weights(str(folder))


def test_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="lacks its weights"):
        find_weights(str(folder))


def test_a_header_names_its_tensors(folder: Path) -> None:
    header = safetensors_header(folder / "model.safetensors")
    assert {name: entry["shape"] for name, entry in header.items()} == {"a": [4], "b": [2]}


def test_free_memory_is_what_the_container_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.free_memory() > 0
    limits = {"memory.max": "1000\n", "memory.current": "400\n"}
    monkeypatch.setattr(Path, "read_text", lambda self, *_: limits[self.name])
    assert weights.free_memory() == 600
