"""The rebuild command on a small budget, and the shipped weights outside this project's own code."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MODEL, ADAPTERS = ROOT / "assets" / "model", ROOT / "assets" / "adapters"


def test_a_small_rebuild_learns_to_copy(tmp_path):
    """Three minutes do not make a reader, but far more than chance of naming the asked value's tokens."""
    home, assets = tmp_path / "home", tmp_path / "assets"
    command = [sys.executable, "-m", "embedded.rebuild", "--minutes", "3", "--preset", "none", "--no-compile"]
    command += ["--home", str(home), "--assets", str(assets), "--data", str(tmp_path / "none")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=1200)
    import torch
    from transformers import AutoModelForCausalLM

    from embedded import rows, tokenizer
    from embedded.mix import GROWING, Mix

    words = tokenizer.load(assets / "model" / "tokenizer.json")
    mix = Mix(words, None, short=True)
    feed = rows.batches(words, lambda r: mix.draw(r, GROWING), random.Random("slow"))
    model = AutoModelForCausalLM.from_pretrained(assets / "model", dtype=torch.float32).eval()
    right = total = 0
    with torch.inference_mode():
        for _ in range(4):
            batch = next(feed)
            answers = batch.weights >= 1
            guesses = model(input_ids=batch.ids).logits.reshape(-1, len(words.get_vocab()))[batch.where].argmax(-1)
            right += int((guesses == batch.targets)[answers].sum())
            total += int(answers.sum())
    assert right / total > 0.05, f"{right} of {total} answer tokens"


@pytest.fixture(scope="module")
def loaded():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(MODEL).eval(), AutoTokenizer.from_pretrained(MODEL)


def chat(tokenizer, question: str, passages: str = ""):
    user = f"Context:\n{passages}\n\nQuestion: {question}" if passages else question
    system = "Answer from the context and cite passages as [n]. If the answer is not there, say so."
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)


def test_shipped_weights_answer_with_plain_transformers(loaded):
    model, tokenizer = loaded
    context = "[1] Bakery: The bakery opens at 7 am.\n[2] Dr. Ames: Dr. Ames sees patients in room 31."
    inputs = chat(tokenizer, "In which room is Dr. Ames?", context)
    out = model.generate(**inputs, max_new_tokens=30, do_sample=False)
    answer = tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    # Whether it is right is measured in the model card, not here: it names a passage, or says that none answers.
    assert "[1]" in answer or "[2]" in answer or answer.startswith("I could not find")


@pytest.mark.parametrize("name", ["clinic-sft", "clinic-raft"])
def test_adapters_load_with_plain_peft_and_change_what_is_said(loaded, name):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model, tokenizer = loaded
    tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(MODEL), ADAPTERS / name).eval()
    inputs = chat(tokenizer, "What helps with a headache?")
    with torch.inference_mode():
        before, after = model(**inputs).logits, tuned(**inputs).logits
    assert not torch.allclose(before, after, atol=0.1)


@pytest.mark.parametrize("name", ["clinic-sft", "clinic-raft"])
def test_adapters_name_the_base_and_the_data_they_were_made_for(name):
    import json

    from embedded.export import sha256

    note = json.loads((ADAPTERS / name / "adapter_card.json").read_text("utf-8"))
    assert note["base_sha256"] == sha256(MODEL / "model.safetensors")
    if "split" in note:  # made by `ragft train`; those from before were trained on the facts themselves
        rows = (ROOT / "assets" / "demo" / "train.jsonl").read_text("utf-8").splitlines()
        assert note["data"] == "train.jsonl"
        assert sum(note["split"][part] for part in ("train", "validation")) == len(rows)
    assert (note["name"], note["recipe"]) == (name, name.removeprefix("clinic-"))
