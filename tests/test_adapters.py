"""Adapters at hand are listed with what their files say, and a broken folder says what is wrong, all without torch."""

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ragft_core.adapters import WEIGHTS, find_adapter, find_adapters, read_info
from ragft_core.errors import AdapterError
from ragft_core.settings import ASSETS

CONFIG = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]}


def safetensors(tensors: dict[str, bytes]) -> bytes:
    """A safetensors file of one-dimensional bytes."""
    header, start = {}, 0
    for name, data in tensors.items():
        header[name] = {"dtype": "U8", "shape": [len(data)], "data_offsets": [start, start + len(data)]}
        start += len(data)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(tensors.values())


def make(
    folder: Path, config: Any = None, weights: bytes | None = safetensors({"a": b"1234"}), card: Any = None
) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG if config is None else config))
    if weights is not None:
        (folder / WEIGHTS).write_bytes(weights)
    if card is not None:
        (folder / "adapter_card.json").write_text(json.dumps(card))
    return folder


def test_the_shipped_adapters_are_found_with_their_cards() -> None:
    found = {info.name: info for info in find_adapters([ASSETS / "adapters"])}
    assert {"clinic-raft", "clinic-sft"} <= found.keys()
    raft = found["clinic-raft"]
    assert (raft.recipe, raft.problem, len(raft.sha256), len(raft.base_sha256)) == ("raft", "", 64, 64)
    assert raft.rank > 0 and raft.created


def test_finding_adapters_needs_no_torch() -> None:
    code = (
        "import sys; from ragft_core.adapters import find_adapters; from ragft_core.settings import ASSETS;"
        "found = find_adapters([ASSETS / 'adapters']); sys.exit('torch' in sys.modules or not found)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ASSETS.parent).returncode == 0


def test_the_first_folder_wins_and_the_list_is_sorted(tmp_path: Path) -> None:
    mine, shipped = tmp_path / "mine", tmp_path / "shipped"
    make(mine / "b", card={"recipe": "mine"})
    make(shipped / "b", card={"recipe": "shipped"})
    make(shipped / "a")
    (shipped / "notes").mkdir()
    found = find_adapters([mine, shipped, tmp_path / "nowhere"])
    assert [(info.name, info.recipe) for info in found] == [("a", ""), ("b", "mine")]
    assert find_adapter([mine, shipped], "b").recipe == "mine"


def test_a_changed_file_has_a_new_hash(tmp_path: Path) -> None:
    folder = make(tmp_path / "a")
    before = read_info(folder).sha256
    (folder / WEIGHTS).write_bytes(safetensors({"a": b"123456"}))
    assert read_info(folder).sha256 != before


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"config": {"peft_type": "IA3"}}, "only LoRA"),
        ({"config": {}}, "only LoRA"),
        ({"config": []}, "does not hold an object"),
        ({"config": CONFIG | {"target_modules": []}}, "no target modules"),
        ({"config": CONFIG | {"modules_to_save": ["lm_head"]}}, "LoRA layers only"),
        ({"config": CONFIG | {"bias": "all"}}, "LoRA layers only"),
        ({"weights": None}, f"has no {WEIGHTS}"),
        ({"weights": b""}, "damaged"),
        ({"weights": b"12345678901234567890"}, "damaged"),
        ({"weights": safetensors({"a": b"1234"})[:-1]}, "damaged"),
        ({"weights": struct.pack("<Q", 2) + b"[]"}, "damaged"),
        ({"weights": safetensors({})}, "no tensor"),
        ({"card": ["not", "a", "card"]}, "does not hold an object"),
    ],
)
def test_a_broken_adapter_is_listed_with_its_problem(tmp_path: Path, fault: dict[str, Any], words: str) -> None:
    make(tmp_path / "broken", **fault)
    (info,) = find_adapters([tmp_path])
    assert words in info.problem
    with pytest.raises(AdapterError, match="broken cannot be used"):
        find_adapter([tmp_path], "broken")


def test_pickled_weights_are_not_taken(tmp_path: Path) -> None:
    folder = make(tmp_path / "pickle", weights=None)
    (folder / "adapter_model.bin").write_bytes(b"\x80\x04.")
    assert "pickle" in read_info(folder).problem


@pytest.mark.parametrize("file", ["adapter_config.json", "adapter_card.json"])
def test_unreadable_json_is_a_problem_not_a_crash(tmp_path: Path, file: str) -> None:
    folder = make(tmp_path / "a", card={})
    for text in (b"{", b"\xff\xfe\x00", b"[" * 100_000):
        (folder / file).write_bytes(text)
        assert "cannot be read" in read_info(folder).problem


def test_a_folder_without_config_is_listed(tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / WEIGHTS).write_bytes(safetensors({"a": b"1"}))
    (info,) = find_adapters([tmp_path])
    assert "no adapter_config.json" in info.problem


@pytest.mark.parametrize(
    "name", ["../x", "..", ".", "", "a/b", "/etc", "a\\b", "a\x00b", "-x", "a..b", "x" * 200, "a b\n", "C:x", "."]
)
def test_a_name_with_a_path_in_it_is_refused(tmp_path: Path, name: str) -> None:
    make(tmp_path / "x")
    with pytest.raises(AdapterError, match="cannot be an adapter's name"):
        find_adapter([tmp_path / "sub", tmp_path], name)


def test_an_unknown_adapter_says_so(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="no adapter nope"):
        find_adapter([tmp_path], "nope")
