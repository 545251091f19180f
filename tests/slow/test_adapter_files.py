"""Real adapters: one of another base is not taken over, a merged model answers as the adapter on its base does."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ragft_core import Settings, cli
from ragft_core.adapter_files import export_adapter, import_adapter
from ragft_core.adapters import read_info
from ragft_core.errors import AdapterError
from ragft_core.merge import fits, merge_adapter
from ragft_core.settings import ASSETS
from ragft_core.weights import find_weights

from .tiny import make_adapter, make_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def own(home: Path) -> Path:
    return home / "adapters"


@pytest.fixture
def tiny(home: Path, model: Path) -> Settings:
    return Settings.load(home=home, demo=False, model=str(model))


def test_only_an_adapter_of_this_base_is_taken_over(tiny: Settings, model: Path, own: Path, tmp_path: Path) -> None:
    card = {"base_sha256": find_weights(str(model)).sha256, "recipe": "sft"}
    make_adapter(tmp_path / "fit", model, card=card)
    larger = make_model(tmp_path / "larger", num_hidden_layers=3)
    make_adapter(tmp_path / "stranger", larger)
    make_adapter(tmp_path / "claims", model, card={"base_sha256": "0" * 64})
    make_adapter(tmp_path / "zero", model)
    _zero(tmp_path / "zero")

    def taken(name: str) -> Any:
        file = export_adapter([tmp_path], name, tmp_path)
        return import_adapter(own, file, check=lambda info: fits(tiny, info))

    assert taken("fit").recipe == "sft"
    for name, words in (("stranger", "match no module"), ("claims", "another base model"), ("zero", "changes nothing")):
        with pytest.raises(AdapterError, match=words):
            taken(name)
    assert [file.name for file in own.iterdir()] == ["fit"]


def _zero(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = folder / "adapter_model.safetensors"
    save_file({key: value * ("lora_B" not in key) for key, value in load_file(file).items()}, file)


def test_a_merged_model_says_what_the_adapter_on_its_base_says(
    tiny: Settings, model: Path, own: Path, tmp_path: Path
) -> None:
    make_adapter(own / "fit", model)
    merged = merge_adapter(tiny, read_info(own / "fit"), tmp_path / "merged")
    assert merged.difference < 1e-2 and merged.rounded == merged.difference, "this base is kept in fp32"
    assert merged.sha256 == find_weights(str(tmp_path / "merged")).sha256 != find_weights(str(model)).sha256
    made = {file.name for file in merged.folder.iterdir()}
    assert made >= {"config.json", "model.safetensors", "tokenizer.json", "README.md", "merged_from.json"}
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]
    with pytest.raises(AdapterError, match="there already"):
        merge_adapter(tiny, read_info(own / "fit"), tmp_path / "merged")
    written = [_written(str(model), own, home_adapter="fit"), _written(str(merged.folder), own)]
    assert written[0] == written[1] != _written(str(model), own)


def _written(model: str, own: Path, home_adapter: str | None = None) -> str:
    from ragft_core.engine import Engine
    from ragft_core.prompts import messages
    from ragft_core.types import Decoding, Row

    settings = Settings.load(home=own.parent, demo=False, model=model, precision="fp32")
    engine = Engine.load(settings, (own,))
    *_, (draft,) = engine.stream([Row(messages("Who are you?"), home_adapter)], Decoding(24))
    return draft.text


def test_the_commands_on_the_shipped_adapter(home: Path, tmp_path: Path, capsys: Any) -> None:
    def ragft(*words: str) -> Any:
        assert cli.main(["adapters", "--home", str(home), "--json", *words]) == 0
        return json.loads(capsys.readouterr().out)

    file = ragft("export", "clinic-raft", str(tmp_path))["file"]
    assert zipfile.ZipFile(file).testzip() is None
    assert ragft("import", file, "mine")["sha256"] == read_info(ASSETS / "adapters" / "clinic-raft").sha256
    made = ragft("merge", "mine", str(tmp_path / "merged"))
    assert made["difference"] < 1e-2 < made["rounded"], "rounding to bf16, as the base is kept, is told"
    assert made["parameters"] == find_weights(str(ASSETS / "model")).parameters
