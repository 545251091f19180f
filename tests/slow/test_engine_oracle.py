"""What the engine writes equals, token by token, what transformers and PEFT write for each arm alone (fp32, greedy)."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ragft_core.engine import Engine
from ragft_core.prompts import messages
from ragft_core.settings import ASSETS, Settings
from ragft_core.types import Decoding, Passage, Row

from .tiny import ALL, make_adapter, make_model

pytestmark = pytest.mark.slow

PASSAGES = [
    Passage("1", "The front desk answers the phone from 8:00 to 17:00 on weekdays at 555-0117.", "a.md", 1, "Desk"),
    Passage(
        "2", "The pharmacy closes at 18:30. A repeat prescription takes two working days. " * 9, "b.md", 1, "Pharmacy"
    ),
    Passage("3", "Parking costs 2 euros per hour behind the main building.", "c.md", 1, "Parking"),
]


def demo_questions(count: int) -> list[tuple[str, list[Passage]]]:
    """Questions of the demo's evaluation set over all its categories, each with its document between two others."""
    rows = [json.loads(line) for line in (ASSETS / "demo" / "eval.jsonl").read_text(encoding="utf-8").splitlines()]
    asked = []
    for row in rows[:: len(rows) // count][:count]:
        texts = [(ASSETS / "demo" / "documents" / name).read_text(encoding="utf-8") for name in row["sources"][:1]]
        found = [Passage("4", text, name, 1, name) for text, name in zip(texts, row["sources"], strict=False)]
        asked.append((row["question"], [PASSAGES[0], *found, PASSAGES[2]]))
    return asked


class Oracle:
    """transformers' and PEFT's own generate(), one row at a time, on its own copy of the model."""

    def __init__(self, model: Path, adapters: dict[str, Path]) -> None:
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.model = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
        for name, folder in adapters.items():
            if isinstance(self.model, PeftModel):
                self.model.load_adapter(folder, name)
            else:
                self.model = PeftModel.from_pretrained(self.model, folder, name)
        self.model.eval()

    def texts(self, row: Row, tokens: int) -> list[str]:
        """The text after 1, 2, 3 ... tokens, as a row shows it."""
        import torch

        chat = [dict(message) for message in row.messages]
        ids = self.tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt")["input_ids"]
        how = {"max_new_tokens": tokens, "do_sample": False, "attention_mask": torch.ones_like(ids)}
        with torch.inference_mode():
            if row.adapter is None and hasattr(self.model, "disable_adapter"):
                with self.model.disable_adapter():
                    out = self.model.generate(input_ids=ids, **how)
            else:
                if row.adapter:
                    self.model.set_adapter(row.adapter)
                out = self.model.generate(input_ids=ids, **how)
        written = out[0, ids.shape[1] :].tolist()
        texts = [self.tokenizer.decode(written[:n], skip_special_tokens=True) for n in range(1, len(written) + 1)]
        return [text.rstrip("\ufffd") for text in texts]


def written(engine: Engine, rows: Sequence[Row], tokens: int) -> list[list[str]]:
    """Each row's texts after 1, 2, 3 ... tokens."""
    seen: list[dict[int, str]] = [{} for _ in rows]
    for drafts in engine.stream(rows, Decoding(tokens)):
        for texts, draft in zip(seen, drafts, strict=True):
            assert draft.state != "failed", draft.error
            if draft.tokens:
                texts[draft.tokens] = draft.text.rstrip("\ufffd")
    return [[texts[n] for n in sorted(texts)] for texts in seen]


def engine_on(home: Path, model: Path, adapters: Path, forward: str) -> Engine:
    engine = Engine.load(Settings.load(home=home, model=str(model), precision="fp32"), [adapters])
    if forward == "transformers":
        engine._lean = None
    assert engine.describe()["forward"] == forward
    return engine


def test_demo_questions_in_a_batch_equal_each_arm_alone(home: Path) -> None:
    """20 questions, four rows with two adapters: our forward pass against generate()."""
    folder = ASSETS / "adapters"
    names = ["clinic-raft", "clinic-sft"]
    engine = engine_on(home, ASSETS / "model", folder, "llama_rows")
    oracle = Oracle(ASSETS / "model", {name: folder / name for name in names})
    parted = []
    for question, passages in demo_questions(20):
        bare, full = messages(question), messages(question, passages)
        rows = [Row(full), Row(bare, names[0]), Row(full, names[0]), Row(bare, names[1])]
        expected = [oracle.texts(row, 48) for row in rows]
        if written(engine, rows, 48) != expected:
            parted.append(question)
    assert not parted


@pytest.mark.parametrize("forward", ["llama_rows", "transformers"])
@pytest.mark.parametrize("kind", ["llama", "llama3-rope", "qwen2", "mistral", "one-head", "untied"])
def test_any_shape_equals_generate(home: Path, tmp_path: Path, kind: str, forward: str) -> None:
    llama3 = {
        "rope_type": "llama3",
        "rope_theta": 500000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    }
    shapes = {
        "llama3-rope": {"rope_parameters": llama3, "tie_word_embeddings": True},
        "mistral": {"sliding_window": None},
        "one-head": {"num_key_value_heads": 4, "attention_bias": True, "mlp_bias": True, "head_dim": 32},
    }
    name = kind if kind in ("qwen2", "mistral") else "llama"
    model = make_model(tmp_path / "model", name, **shapes.get(kind, {}))
    adapters = {
        "every": make_adapter(tmp_path / "adapters" / "every", model),
        "some": make_adapter(tmp_path / "adapters" / "some", model, seed=2, target_modules=["q_proj", "v_proj"], r=3),
        "ranks": make_adapter(
            tmp_path / "adapters" / "ranks",
            model,
            seed=3,
            rank_pattern={"q_proj": 2},
            use_rslora=True,
            layers_to_transform=[1],
        ),
    }
    engine = engine_on(home, model, tmp_path / "adapters", forward)
    oracle = Oracle(model, adapters)
    bare, full = messages("Kann ich, 数字 🙂, park?"), messages("How long does a repeat take?", PASSAGES)
    rows = [Row(full), Row(bare, "every"), Row(full, "some"), Row(bare, "ranks"), Row(full, "every"), Row(bare)]
    assert written(engine, rows, 24) == [oracle.texts(row, 24) for row in rows]


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2", "dora"])
def test_what_our_forward_does_not_know_goes_through_transformers(home: Path, tmp_path: Path, kind: str) -> None:
    model = make_model(tmp_path / "model", "llama" if kind == "dora" else kind)
    targets = ["query_key_value"] if kind == "gpt_neox" else ALL
    folder = make_adapter(tmp_path / "adapters" / "one", model, target_modules=targets, use_dora=kind == "dora")
    engine = engine_on(home, model, tmp_path / "adapters", "llama_rows" if kind == "dora" else "transformers")
    rows = [Row(messages("Why?", PASSAGES[:1])), Row(messages("Why?"), "one")]
    assert written(engine, rows, 12) == [Oracle(model, {"one": folder}).texts(row, 12) for row in rows]
