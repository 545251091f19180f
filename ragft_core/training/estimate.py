"""A plan becomes minutes, memory and megabytes before it starts, from speeds measured on this machine."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ..examples.lessons import Lesson
from ..weights import Weights, free_memory, safetensors_header
from .batches import MOST_TOKENS
from .plan import Plan
from .run import events, read_json, runs_folder

LAYER = re.compile(r"\b(?:layers|h|blocks?)\.\d+\.")
ATTENTION = re.compile(r"\.(?:q|k|v|o)_proj\.")
# Of the machine's matrix speed, what training reaches: the embedded model 2,250 tokens/s at 4 x 3.8M operations each
# on a core that multiplies at 51 GFLOPS, a 15M shape 1,053 (design/performance.md, section 7).
REACHED = 0.6
LETTERS_PER_TOKEN = 3.5
LIBRARIES = 550e6  # bytes of torch, transformers and PEFT in memory, measured
ACTIVATION = 110  # bytes per token, layer and hidden number; measured 0.85 GB at 8,192 tokens, 4 layers, 256 wide
START_SECONDS = 12.0  # imports and loading, CPU seconds on a free core
BYTES = {"fp32": 4.0, "mixed": 6.0, "bf16": 2.0, "auto": 2.0, "nf4": 0.6}


@dataclass(frozen=True)
class Estimate:
    """What a run will cost; `basis` says where the speed comes from, `problem` why it may not work."""

    steps: int
    tokens: int
    tokens_per_second: float
    seconds: float
    memory_bytes: int
    adapter_bytes: int
    disk_bytes: int
    basis: str
    problem: str = ""


def estimate(home: Path, weights: Weights, plan: Plan, lessons: Sequence[Lesson]) -> Estimate:
    """Time, memory and size of a run over these lessons of one epoch."""
    per_lesson = sum(map(_letters, lessons)) / max(1, len(lessons)) / LETTERS_PER_TOKEN
    tokens = round(plan.steps * min(plan.batch, max(1, len(lessons))) * per_lesson)
    speed, basis = measured_speed(home, weights.sha256, plan)
    if not speed:
        speed = REACHED * matrix_speed() / (4 * weights.parameters)
        basis = "from the matrix speed of a core here; the first run will measure it"
    trained = lora_parameters(weights, plan)
    hidden, layers = (int(weights.config.get(key, 0)) for key in ("hidden_size", "num_hidden_layers"))
    widest = min(MOST_TOKENS["cpu"], plan.batch * round(per_lesson * 2.5))
    kept = 2 * hidden if plan.checkpointing else ACTIVATION * hidden
    memory = round(LIBRARIES + weights.parameters * BYTES[plan.precision] + 16 * trained + widest * layers * kept)
    free = free_memory()
    short = f"It needs about {memory / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are free. Choose a smaller batch."
    return Estimate(
        steps=plan.steps,
        tokens=tokens,
        tokens_per_second=round(speed, 1),
        seconds=round(START_SECONDS + 1.15 * tokens / speed, 1),
        memory_bytes=memory,
        adapter_bytes=4 * trained,
        disk_bytes=disk_bytes(trained),
        basis=basis,
        problem=short if memory > free else "",
    )


def lora_parameters(weights: Weights, plan: Plan) -> int:
    """The numbers of the adapter: rank x (in + out) of each matrix inside the layers; of a whole one the rank is in.

    The in x in of a whole matrix are the identity, which is kept and not trained.
    """
    count = 0
    for file in weights.files:
        for name, entry in safetensors_header(file).items():
            inside = LAYER.search(name) and len(entry["shape"]) == 2
            if inside and (plan.targets == "all" or ATTENTION.search(name)):
                rank = entry["shape"][1] if plan.method == "full" else plan.rank
                count += rank * sum(entry["shape"])
    return count


def disk_bytes(trained: int) -> int:
    """Three checkpoints (two kept, one in the making) of adapter, two moments and best, and the adapter twice."""
    return 4 * trained * (3 * 4 + 2)


def measured_speed(home: Path, base_sha256: str, plan: Plan) -> tuple[float, str]:
    """Median tokens per second of this machine's last run of the same base, method and precision; 0: there is none."""
    found = sorted(runs_folder(home).glob("*/config.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in found[:20]:
        config = read_json(file)
        of = config.get("plan", {})
        alike = (of.get("method"), of.get("precision")) == (plan.method, plan.precision)
        if config.get("base_sha256") == base_sha256 and alike:
            speeds = [event["tokens_per_second"] for event in events(file.parent) if event.get("kind") == "step"]
            if len(speeds) >= 5:
                return median(speeds), f"measured in the run {file.parent.name}"
    return 0.0, ""


def matrix_speed() -> float:
    """Floating-point operations per CPU second of a matrix product on one core here, best of a few."""
    import numpy as np

    side = 512
    a = np.ones((side, side), np.float32)
    best = 0.0
    for _ in range(5):
        started = time.process_time()  # of other programs' share of the machine nothing can be known
        _ = a @ a
        best = max(best, 2 * side**3 / max(time.process_time() - started, 1e-6))
    return best


def _letters(lesson: Lesson) -> int:
    return len(lesson.answer) + sum(len(message["content"]) for message in lesson.messages)
