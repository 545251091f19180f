"""A bad adapter is refused with the reason before it touches the model; a good one is really in use."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragft_core.adapters import WEIGHTS
from ragft_core.engine import Engine
from ragft_core.errors import AdapterError
from ragft_core.prompts import messages
from ragft_core.settings import Settings
from ragft_core.types import Decoding, Draft, Row

from .tiny import make_adapter, make_model

pytestmark = pytest.mark.slow

ASKED = messages("Why is the sky blue?")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model folder and a good adapter for it."""
    folder = tmp_path_factory.mktemp("parts")
    return make_model(folder / "model"), make_adapter(folder / "good", folder / "model")


@pytest.fixture
def shelf(parts: tuple[Path, Path], tmp_path: Path) -> Path:
    """An adapters folder with the good adapter in it."""
    shutil.copytree(parts[1], tmp_path / "adapters" / "good")
    return tmp_path / "adapters"


@pytest.fixture
def engine(parts: tuple[Path, Path], shelf: Path, home: Path) -> Engine:
    return Engine.load(Settings.load(home=home, model=str(parts[0])), [shelf])


def rewrite(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    from safetensors.torch import load_file, save_file

    save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS)


def reconfigure(folder: Path, **new: Any) -> None:
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | new), encoding="utf-8")


def write(engine: Engine, *adapters: str | None) -> tuple[Draft, ...]:
    return list(engine.stream([Row(ASKED, adapter) for adapter in adapters], Decoding(8)))[-1]


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "keys of another layout": (
        lambda f: rewrite(f, lambda t: {key.replace("self_attn", "attn"): value for key, value in t.items()}),
        "match no module",
    ),
    "fewer layers": (
        lambda f: rewrite(f, lambda t: {key: value for key, value in t.items() if "layers.0." in key}),
        "lacks 14 of 28 tensors",
    ),
    "cut short": (lambda f: (f / WEIGHTS).write_bytes((f / WEIGHTS).read_bytes()[:-100]), "damaged"),
    "another shape": (
        lambda f: rewrite(f, lambda t: {key: value[..., :-1].contiguous() for key, value in t.items()}),
        "has shape",
    ),
    "another rank in the config": (lambda f: reconfigure(f, r=4), "has shape"),
    "no such modules": (lambda f: reconfigure(f, target_modules=["c_attn"]), "does not fit"),
    "no modules": (lambda f: reconfigure(f, target_modules=[]), "no target modules"),
    "not LoRA": (lambda f: reconfigure(f, peft_type="IA3"), "only LoRA"),
    "never trained": (
        lambda f: rewrite(f, lambda t: {key: value * ("lora_B" not in key) for key, value in t.items()}),
        "changes nothing",
    ),
    "not finite": (lambda f: rewrite(f, lambda t: {key: value / 0 for key, value in t.items()}), "not finite"),
    "pickle": (lambda f: (f / WEIGHTS).rename(f / "adapter_model.bin") and None, "pickle"),
    "another base": (
        lambda f: (f / "adapter_card.json").write_text(json.dumps({"base_sha256": "0" * 64})) and None,
        "another base model",
    ),
    "a config of a newer PEFT": (lambda f: reconfigure(f, task_type="NO_SUCH_TASK"), "does not fit|cannot be loaded"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_adapter_is_refused_and_the_model_stays_as_it_was(engine: Engine, shelf: Path, fault: str) -> None:
    before = write(engine, None)[0].text
    bad = shelf / "bad"
    shutil.copytree(shelf / "good", bad)
    spoil, words = FAULTS[fault]
    spoil(bad)
    with pytest.raises(AdapterError, match=words) as caught:
        engine.describe_adapter("bad")
    assert "bad" in str(caught.value) and str(caught.value).rstrip().endswith(".")
    assert not hasattr(engine._model, "peft_config"), "nothing of it is in the model"
    base, tuned, good = write(engine, None, "bad", "good")
    assert (base.text, tuned.state, good.state) == (before, "failed", "done")
    assert tuned.error == str(caught.value)


def test_a_bad_adapter_beside_a_loaded_one_leaves_that_alone(engine: Engine, shelf: Path) -> None:
    before = write(engine, "good")[0].text
    for number, (spoil, _) in enumerate(FAULTS.values()):
        bad = shelf / f"bad{number}"
        shutil.copytree(shelf / "good", bad)
        spoil(bad)
        assert write(engine, f"bad{number}", "good")[1].text == before
    assert list(engine._model.peft_config) == ["adapter_1"] or len(engine._model.peft_config) == 1


def test_a_good_adapter_changes_the_answer(engine: Engine) -> None:
    base, tuned = write(engine, None, "good")
    assert base.text != tuned.text
    assert engine.describe_adapter("good")["adapter_rank"] == 8


def test_an_adapter_trained_again_is_read_again(engine: Engine, shelf: Path, parts: tuple[Path, Path]) -> None:
    before, said = write(engine, "good")[0].text, engine.describe_adapter("good")
    shutil.rmtree(shelf / "good")
    make_adapter(shelf / "good", parts[0], seed=9, r=4)
    after = write(engine, "good", None)
    assert after[0].text != before and engine.describe_adapter("good") != said
    assert len(engine._model.peft_config) == 1, "the old one is gone"
    assert all(len(projection.lora) == 1 for layer in engine._lean.layers for projection in layer.projections)
    shutil.rmtree(shelf / "good")
    assert "no adapter good" in write(engine, "good")[0].error


def test_a_name_may_hold_a_dot(engine: Engine, shelf: Path) -> None:
    shutil.copytree(shelf / "good", shelf / "good-v1.2")
    assert write(engine, "good-v1.2")[0].text == write(engine, "good")[0].text
