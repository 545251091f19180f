"""A base model in memory on real files: precision, 4-bit kept and read back, and every bad model as one sentence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragft_core import model as model_module
from ragft_core.engine import Engine
from ragft_core.errors import ModelError
from ragft_core.model import choose_threads, load_base, load_tokenizer
from ragft_core.prompts import messages
from ragft_core.settings import Settings
from ragft_core.types import Decoding, Row
from ragft_core.weights import WANTED, Weights

from .tiny import make_adapter, make_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("tiny") / "model", tie_word_embeddings=True)


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    """A copy of a good model, to be spoilt."""
    return Path(shutil.copytree(tiny, tmp_path / "model"))


def settings(home: Path, model: Path, **more: Any) -> Settings:
    return Settings.load(home=home, model=str(model), **more)


def change(file: Path, **new: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | new), encoding="utf-8")


def lose_a_tensor(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    tensors.pop("model.layers.1.mlp.up_proj.weight")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


FAULTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no folder": (shutil.rmtree, "no model folder"),
    "no config": (lambda f: (f / "config.json").unlink(), "no config.json"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "lacks its weights"),
    "cut short": (
        lambda f: (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:-10]),
        "damaged",
    ),
    "pickle": (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "pickle"),
    "a tensor missing": (lose_a_tensor, "lack 1 tensors"),
    "another shape": (lambda f: change(f / "config.json", intermediate_size=192), "cannot be loaded"),
    "no chat template": (lambda f: (f / "chat_template.jinja").unlink(), "no chat template"),
    "no tokenizer": (lambda f: [file.unlink() for file in f.glob("tokenizer*")], "tokenizer"),
    "a damaged tokenizer": (lambda f: (f / "tokenizer.json").write_text("{"), "tokenizer"),
    "no causal model": (lambda f: change(f / "config.json", architectures=["BertModel"]), "does not write text"),
    "a kind nobody knows": (
        lambda f: change(f / "config.json", model_type="nobody", architectures=["NobodyForCausalLM"]),
        "cannot be loaded",
    ),
    "code of its own": (
        lambda f: change(
            f / "config.json", model_type="nobody", auto_map={"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"}
        ),
        "cannot be loaded",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_model_is_one_sentence(home: Path, folder: Path, fault: str) -> None:
    spoil, words = FAULTS[fault]
    (folder / "evil.py").write_text("raise SystemExit('code of the model ran')")
    spoil(folder)
    with pytest.raises(ModelError, match=words) as caught:
        load_base(settings(home, folder))
    assert "\n" not in str(caught.value)


def test_a_model_larger_than_the_memory(home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_module, "free_memory", lambda: 1000)
    with pytest.raises(ModelError, match=r"needs about .* GB of memory in fp32 .* Set precision to bf16 or nf4"):
        load_base(settings(home, folder, precision="fp32"))


def test_no_gpu(home: Path, tiny: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match="no CUDA GPU"):
            load_base(settings(home, tiny, device="cuda"))


def test_the_tokenizer_alone_is_the_models(home: Path, tiny: Path) -> None:
    tokenizer = load_tokenizer(settings(home, tiny))
    assert len(tokenizer.tokenize("one two three")) >= 3


def test_precision_is_said_with_its_reason(home: Path, tiny: Path) -> None:
    import torch

    for wish, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        base = load_base(settings(home, tiny, precision=wish, device="cpu"))
        assert (base.precision, base.why, base.model.dtype) == (wish, "as set", dtype)
    base = load_base(settings(home, tiny, device="cpu"))
    assert base.precision in ("fp32", "bf16") and "CPU" in base.why


def test_threads(home: Path, tiny: Path) -> None:
    small, large = (Weights("", tiny, {}, (), number) for number in (10**6, 10**9))
    assert choose_threads(settings(home, tiny, threads=3), small) == 3
    assert choose_threads(settings(home, tiny), small) == 1 <= choose_threads(settings(home, tiny), large)


def test_four_bit_is_kept_and_read_back(home: Path, tiny: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """The second load reads the kept weights, and both write the same; a damaged copy is made again."""
    adapter = make_adapter(tmp_path / "adapters" / "one", tiny)
    rows = [Row(messages("Why?")), Row(messages("Why?"), adapter.name)]

    def texts() -> list[str]:
        engine = Engine.load(settings(home, tiny, precision="nf4", device="cpu"), [adapter.parent])
        about = engine.describe()
        assert (about["precision"], about["forward"]) == ("nf4", "llama_rows") and "bitsandbytes" in about["versions"]
        lean, begun = ([d.text for d in list(engine.stream(rows, Decoding(most)))[-1]] for most in (12, 4))
        engine._lean = None
        # On CPUs that compute in bf16 rounding depends on a product's shape, so random weights part after some tokens.
        assert [draft.text for draft in list(engine.stream(rows, Decoding(4)))[-1]] == begun
        return lean

    first = texts()
    (kept,) = (home / "quantised").iterdir()
    made = []
    keep = model_module._keep
    monkeypatch.setattr(model_module, "_keep", lambda *given: (made.append(1), keep(*given)))
    assert texts() == first and not made
    (kept / "model.safetensors").write_bytes(b"damaged")
    assert texts() == first and made
    assert texts() == first and len(made) == 1
    assert [file.name for file in (home / "quantised").iterdir()] == [kept.name]


def test_four_bit_needs_whole_blocks(home: Path, tmp_path: Path) -> None:
    odd = make_model(tmp_path / "odd", hidden_size=96, num_attention_heads=4, intermediate_size=160)
    with pytest.raises(ModelError, match="hidden_size 96 and intermediate_size 160 cannot be divided by 64"):
        load_base(settings(home, odd, precision="nf4", device="cpu"))


def test_a_hub_model_is_found_in_its_cache(home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the hub fetched is a folder named by its commit; no pickle and no code is asked for."""
    import huggingface_hub

    asked: dict[str, Any] = {}
    commit = tiny.parent / ("c" * 40)
    shutil.copytree(tiny, commit, dirs_exist_ok=True)

    def fetched(name: str, **how: Any) -> str:
        asked.update(how, name=name)
        return str(commit)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetched)
    base = load_base(Settings.load(home=home, model="owner/name", revision="v1"))
    assert (base.name, base.revision) == ("owner/name", "c" * 40)
    assert asked["revision"] == "v1" and asked["allow_patterns"] == list(WANTED)
    assert not [pattern for pattern in WANTED if pattern.endswith((".bin", ".pt", ".py"))]
