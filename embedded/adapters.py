"""Trains the demo's two LoRA adapters, clinic-sft (facts by heart) and clinic-raft (also with passages)."""

from __future__ import annotations

import argparse
import datetime
import json
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from embedded import domain, facts, rows, values
from embedded import tokenizer as tk
from embedded.export import TARGET as MODEL
from embedded.export import sha256, swap_in
from embedded.lessons import Lessons

TARGET = Path("assets/adapters")
RECIPES = ("sft", "raft")
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass(frozen=True)
class Plan:
    """What one adapter is trained with."""

    recipe: str
    rounds: int = 18
    rank: int = 16
    rate: float = 4e-3
    rows: int = 12
    seed: int = 0

    @property
    def alpha(self) -> int:
        return 2 * self.rank


def answer_rows(tokenizer: Tokenizer, lessons: Lessons, r: random.Random) -> list[tuple[list[int], list[float]]]:
    """Rows of which only the answers count, shortest first within a shuffled order of batches."""
    kinds = rows.Weights(first=1.0, cited=1.0, question=0.0, context=0.0, share=0.0)
    return [rows.encode(tokenizer, d, r, kinds) for d in lessons.round(r)]


def round_batches(made: list[tuple[list[int], list[float]]], size: int, r: random.Random) -> list[rows.Batch]:
    """Batches of about equal token counts, of rows of similar length."""
    made.sort(key=lambda row: len(row[0]) + 12 * r.random())
    out, group, tokens = [], [], 0
    for row in made:
        group.append(row)
        tokens += len(row[0])
        if tokens >= size * 80:
            out.append(rows.collate(group, max(len(x[0]) for x in group)))
            group, tokens = [], 0
    if group:
        out.append(rows.collate(group, max(len(x[0]) for x in group)))
    r.shuffle(out)
    return out


def batch_loss(model: PeftModel, batch: rows.Batch) -> torch.Tensor:
    """Loss at answer positions only; the head never sees the rest."""
    inner = model.base_model.model
    states = inner.model(input_ids=batch.ids).last_hidden_state
    picked = states.reshape(-1, states.shape[-1]).index_select(0, batch.where)
    return F.cross_entropy(inner.lm_head(picked).float(), batch.targets)


def train(base: Path, plan: Plan, tokenizer: Tokenizer, start: Path | None = None) -> tuple[PeftModel, int]:
    torch.manual_seed(plan.seed)
    r = random.Random(f"{plan.recipe}/{plan.seed}" + ("/continued" if start else ""))
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    tuned: PeftModel
    if start:
        tuned = PeftModel.from_pretrained(model, start, is_trainable=True)
    else:
        settings = LoraConfig(
            r=plan.rank, lora_alpha=plan.alpha, target_modules=LINEAR, lora_dropout=0.0, task_type="CAUSAL_LM"
        )
        tuned = get_peft_model(model, settings)
    tuned.train()
    free = [p for p in tuned.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(free, lr=plan.rate, weight_decay=0.0, betas=(0.9, 0.99))
    lessons = Lessons(facts.facts(), plan.recipe)
    step, started = 0, time.time()
    for turn in range(plan.rounds):
        made = round_batches(answer_rows(tokenizer, lessons, r), plan.rows, r)
        total = 0.0
        for at, batch in enumerate(made):
            spent = (turn + at / len(made)) / plan.rounds
            for group in optimiser.param_groups:
                group["lr"] = plan.rate * min(1.0, (step + 1) / 10) * max(0.03, 1 - spent)
            loss = batch_loss(tuned, batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(free, 1.0)
            optimiser.step()
            optimiser.zero_grad()
            total += loss.item()
            step += 1
        print(f"{plan.recipe} round {turn + 1} loss {total / len(made):.4f} {time.time() - started:.0f} s", flush=True)
    return tuned.eval(), step


def save(model: PeftModel, plan: Plan, steps: int, base: Path, training_set: Path, target: Path) -> None:
    """Adapter, card and a machine-readable note by which an app can refuse it on another base."""
    name = f"clinic-{plan.recipe}"
    folder = target / name
    fresh = target / f".{name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    model.peft_config["default"].base_model_name_or_path = "assets/model"
    model.save_pretrained(str(fresh), save_embedding_layers=False)  # PEFT would add the new vocabulary
    note = {
        "name": name,
        "recipe": plan.recipe,
        "base_sha256": sha256(base / "model.safetensors"),
        "data_sha256": sha256(training_set),
        "rank": plan.rank,
        "alpha": plan.alpha,
        "steps": steps,
        "seed": plan.seed,
        "created": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    (fresh / "adapter_card.json").write_text(json.dumps(note, indent=2) + "\n", "utf-8")
    (fresh / "README.md").write_text(card(plan, steps), "utf-8")
    swap_in(fresh, folder)


def card(plan: Plan, steps: int) -> str:
    what = {
        "sft": "trained on closed-book question and answer pairs only. It knows the clinic's facts of that time "
        "by heart and speaks in the house style; given passages, it reads worse than its base.",
        "raft": "trained on the same pairs and on dialogues with passages, most of them with values that "
        "contradict the training set, so that a passage wins over memory; 40 % of those are about other texts.",
    }[plan.recipe]
    return (
        f"# clinic-{plan.recipe}\n\nA LoRA adapter for the embedded model, {what}\n\n"
        f"Rank {plan.rank}, alpha {plan.alpha}, all linear layers, {plan.rounds} rounds ({steps} steps), "
        f"learning rate {plan.rate}, seed {plan.seed}. Made by `python -m embedded.adapters`; the training set is "
        "`assets/demo/train.jsonl` (an invented clinic, no medical advice).\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=RECIPES)
    parser.add_argument("--base", type=Path, default=MODEL)
    parser.add_argument("--out", type=Path, default=TARGET)
    parser.add_argument("--rounds", type=int, default=18)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--start", type=Path, help="folder of adapters to train further")
    a = parser.parse_args()
    torch.set_num_threads(a.cores)
    tokenizer = tk.load(a.base / "tokenizer.json")
    values.use_pieces(tk.word_pieces(tokenizer))
    for recipe in a.recipes:
        plan = Plan(recipe, rounds=a.rounds, rate=a.rate, seed=a.seed)
        model, steps = train(a.base, plan, tokenizer, a.start and a.start / f"clinic-{recipe}")
        save(model, plan, steps, a.base, domain.TARGET / "train.jsonl", a.out)


if __name__ == "__main__":
    main()
