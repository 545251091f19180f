"""Real (unpadded) tokens per second of training: this program's loop against a plain transformers Trainer, in one run.

`python -m benchmarks.training [--steps 6]`: same rows, same LoRA, same batch size, one thread; CPU seconds, because
the machine may be shared. TRL's SFTTrainer is no dependency; `--trl-python` names an interpreter that has trl beside
this project's packages, else its rows are left out.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

WAYS = ("ours", "ours fp32", "ours padded", "ours bf16", "trainer padded", "trl fp32", "trl defaults")
DATA = Path(__file__).parents[1] / "assets" / "demo" / "train.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--trl-python", default=sys.executable, help="an interpreter that can import trl")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.one, args.steps, args.batch)))
        return
    print(
        "| way | real tokens/s (CPU) | ours is | padding | peak memory MB | loss |\n|---|---|---|---|---|---|",
        flush=True,
    )
    ours_speed = 0.0
    for way in args.ways.split(","):  # a process each, so that peak memory is its own
        python = args.trl_python if way.startswith("trl") else sys.executable
        if way.startswith("trl") and not has_trl(python):
            print(f"| {way} | not measured: no trl there; see --trl-python | | | | |", flush=True)
            continue
        words = [python, "-m", "benchmarks.training", "--one", way]
        words += ["--steps", str(args.steps), "--batch", str(args.batch)]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            print(done.stderr[-300:], file=sys.stderr)
            print(f"| {way} | not measured | | | | |", flush=True)
            continue
        row = json.loads(done.stdout.splitlines()[-1])
        ours_speed = ours_speed or (row["speed"] if way == "ours" else 0.0)
        times = f"{ours_speed / row['speed']:.1f} times as fast" if ours_speed and way != "ours" else ""
        cells = f"{row['speed']:.0f} | {times} | {row['padding']:.0%} | {row['memory']:.0f} | {row['loss']:.3f}"
        print(f"| {way} | {cells} |", flush=True)


def has_trl(python: str) -> bool:
    """Whether an interpreter knows the package trl."""
    words = "import importlib.util, sys; sys.exit(importlib.util.find_spec('trl') is None)"
    return subprocess.run([python, "-c", words], capture_output=True).returncode == 0


def measure(way: str, steps: int, batch: int) -> dict[str, Any]:
    """One way in this process."""
    import torch

    torch.set_num_threads(1)
    student, lessons = prepared("bf16" if "bf16" in way else "mixed" if way in ("ours", "ours padded") else "fp32")
    others = {"trainer padded": trainer, "trl defaults": trl, "trl fp32": partial(trl, bf16=False, checkpointing=False)}
    run: Callable[..., tuple[float, int, int, float]] = others.get(way, ours)
    loss, real, padded, seconds = run(student, lessons, steps, batch, "padded" not in way)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"way": way, "speed": real / seconds, "padding": 1 - real / padded, "memory": memory, "loss": loss}


def prepared(precision: Any) -> tuple[Any, list[Any]]:
    """The embedded model with LoRA layers, and the demo's RAFT lessons of one epoch, encoded."""
    from ragft_core.examples import RECIPES, epoch_lessons, read
    from ragft_core.examples.passages import with_passages
    from ragft_core.settings import Settings
    from ragft_core.training.plan import Plan
    from ragft_core.training.student import load_student

    plan = Plan(precision=precision)
    student = load_student(Settings(threads=1, precision=plan.of_base), plan)
    rows = with_passages(read(DATA).rows[:400])
    return student, [student.coder.encode(lesson) for lesson in epoch_lessons(rows, RECIPES["raft"], 0, 0)]


def ours(student: Any, lessons: list[Any], steps: int, batch: int, grouped: bool) -> tuple[float, int, int, float]:
    """The loop's own step: loss on answer tokens only, lessons of one length together (or not)."""
    import random

    import torch

    from ragft_core.training.batches import epoch_batches

    batches = epoch_batches(lessons, batch, 0, 0)
    if not grouped:
        mixed = random.Random(0).sample(lessons, len(lessons))
        batches = [mixed[n : n + batch] for n in range(0, len(mixed), batch)]
    optimizer = torch.optim.AdamW(student.weights.values(), lr=1e-3)
    student.model.train()
    student.loss(batches[-1], backward=True)  # the first pass warms up and does not count
    started, losses = time.process_time(), []
    for one in batches[:steps]:
        summed, tokens = student.loss(one, backward=True)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(summed / tokens)
    used = batches[:steps]
    padded = sum(len(one) * max(lesson.length for lesson in one) for one in used)
    real = sum(lesson.length for one in used for lesson in one)
    return losses[-1], real, padded, time.process_time() - started


def trainer(student: Any, lessons: list[Any], steps: int, batch: int, _: bool) -> tuple[float, int, int, float]:
    """transformers' Trainer as its manual shows it: padded to the longest of a random batch, logits of all tokens."""
    from transformers import DataCollatorForSeq2Seq, Trainer

    pairs = [{"input_ids": list(x.ids), "labels": [-100] * x.start + list(x.ids[x.start :])} for x in lessons]
    collator = DataCollatorForSeq2Seq(student.coder.tokenizer, padding=True)
    return _timed(
        lambda args, hooks: Trainer(student.model, args, collator, pairs, callbacks=hooks), pairs, steps, batch
    )


def trl(
    student: Any, lessons: list[Any], steps: int, batch: int, _: bool, bf16: bool = True, checkpointing: bool = True
) -> tuple[float, int, int, float]:
    """TRL's SFTTrainer on the same tokens: with its defaults, or without bf16 and gradient checkpointing."""
    from trl import SFTConfig, SFTTrainer

    pairs = [{"input_ids": list(x.ids), "completion_mask": [0] * x.start + [1] * (x.length - x.start)} for x in lessons]
    from datasets import Dataset

    def make(args: Any, hooks: list[Any]) -> Any:
        same = ("output_dir", "max_steps", "use_cpu", "report_to", "learning_rate", "save_strategy", "disable_tqdm")
        kept = {key: getattr(args, key) for key in same}
        config = SFTConfig(**kept, logging_steps=1, bf16=bf16, gradient_checkpointing=checkpointing)
        config.per_device_train_batch_size = batch
        return SFTTrainer(student.model, args=config, train_dataset=Dataset.from_list(pairs), callbacks=hooks)

    return _timed(make, pairs, steps, batch)


def _timed(make: Callable[..., Any], pairs: list[Any], steps: int, batch: int) -> tuple[float, int, int, float]:
    """CPU seconds of a Trainer's steps after its first, and the tokens it saw in them."""
    from transformers import TrainerCallback, TrainingArguments

    marks: list[float] = []
    seen: list[Any] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            marks.append(time.process_time())

    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            folder,
            max_steps=steps + 1,
            per_device_train_batch_size=batch,
            learning_rate=1e-3,
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            logging_steps=1,
            disable_tqdm=True,
            remove_unused_columns=False,
        )
        built = make(args, [Clock()])
        collate = built.data_collator
        built.data_collator = lambda rows: seen.append(rows) or collate(rows)
        built.train()
    end = time.process_time()
    lengths = [[len(row["input_ids"]) for row in rows] for rows in seen][1 : steps + 1]
    real, padded = sum(map(sum, lengths)), sum(len(found) * max(found) for found in lengths)
    losses = [entry["loss"] for entry in built.state.log_history if "loss" in entry]
    return losses[-1], real, padded, end - marks[1]


if __name__ == "__main__":
    main()
