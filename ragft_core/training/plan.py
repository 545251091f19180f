"""One dial (smoke, small, full) and the size of data and model become every number of a run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from ..errors import RunError
from ..types import known

# Measured on the embedded model (design/embedded_model.md, section 4): rank hardly matters, all linear layers do,
# and a model of 4 million parameters needs 20 times the usual learning rate. 2e-4 is usual at 1.2 billion.
SMALL_LR, SMALL_MODEL = 4e-3, 3.8e6
LR_SLOPE = math.log(20) / math.log(1.2e9 / 3.8e6)
LEAST_LR = 1e-4
# Measured on the demo, RAFT in batches of 12 (`python -m embedded.measure --parts clinic`): six rounds with three
# wordings of a fact by turns answered 98 % of the trained questions, seven with two of them 95 %.
EPOCHS = {"smoke": 1.0, "small": 6.0, "full": 24.0}
SMOKE_STEPS = 20
MOST_STEPS = 1_000_000
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
# Casting all that autocast does costs small matrices more than bf16 saves; "mixed" casts the products alone (where the
# CPU computes in bf16, else it is fp32): see `python -m benchmarks.training`.
SMALL_SHAPE = 10_000_000  # parameters
WORD_DROPOUT = 0.3  # of a small model, which else ties a fact to the few wordings it is asked in
MOST_FULL = 30_000_000  # parameters up to which whole matrices are trained: their adapter is larger than the model
FULL_RATE = 1 / 3  # of LoRA's learning rate: at 1 / 8 the validation loss was twice as high after two rounds
CHECKPOINTING = 300_000_000  # parameters from which activations are computed again rather than kept


@dataclass(frozen=True)
class Plan:
    """How a run trains; `steps` is the end of the learning rate's fall, whatever stops the run before.

    `batch` counts lessons, of nearly one length; `patience` is in evaluations, 0 never stops early; `word_dropout` is
    the probability with which a common word of a question is left out.
    """

    preset: str = "small"
    steps: int = 20
    epochs: float = 1.0
    batch: int = 12
    learning_rate: float = SMALL_LR
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    word_dropout: float = 0.0
    targets: Literal["all", "attention"] = "all"
    frozen_layers: int = 0
    method: Literal["lora", "qlora", "full"] = "lora"
    precision: Literal["auto", "mixed", "fp32", "bf16", "nf4"] = "auto"
    evaluate_every: int = 10
    save_every: int = 10
    patience: int = 4
    samples: int = 3
    seed: int = 0
    checkpointing: bool = False
    max_seconds: int = 24 * 3600

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Plan":
        return cls(**known(cls, data))

    @property
    def of_base(self) -> str:
        """The precision in which the base is loaded."""
        return "fp32" if self.precision == "mixed" else self.precision

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def make_plan(
    lessons: int, parameters: int, preset: str = "small", steps: int | None = None, advanced: Mapping[str, Any] = {}
) -> Plan:
    """The plan for so many lessons an epoch and so large a model; `advanced` replaces single numbers.

    RunError when a wish is unknown or out of range.
    """
    if preset not in EPOCHS:
        raise RunError(f"The preset {str(preset)[:40]!r} is unknown; choose {', '.join(EPOCHS)}.")
    plan = Plan(preset=preset, learning_rate=learning_rate(parameters), checkpointing=parameters > CHECKPOINTING)
    plan = replace(plan, word_dropout=WORD_DROPOUT if parameters < SMALL_SHAPE else 0.0)
    unknown = sorted(set(advanced) - set(plan.to_json()))
    if unknown:
        raise RunError(f"There is no training setting {unknown[0]}; there are {', '.join(plan.to_json())}.")
    plan = replace(plan, **advanced)
    if plan.method == "full":
        plan = _whole(plan, parameters, advanced)
    if plan.method == "qlora" and "precision" not in advanced:
        plan = replace(plan, precision="nf4")
    if plan.precision == "auto" and parameters < SMALL_SHAPE:
        plan = replace(plan, precision="mixed")
    per_epoch = max(1, math.ceil(lessons / plan.batch))
    epochs = advanced.get("epochs", EPOCHS[preset])
    wanted = steps or advanced.get("steps") or (SMOKE_STEPS if preset == "smoke" else round(per_epoch * epochs))
    _within("steps", wanted, 1, MOST_STEPS)
    every = advanced.get("evaluate_every") or max(
        1, min(per_epoch, math.ceil(wanted / (4 if preset == "smoke" else 12)))
    )
    save = advanced.get("save_every") or every
    plan = replace(plan, steps=wanted, epochs=wanted / per_epoch, evaluate_every=every, save_every=save)
    _check(plan)
    return plan


def _whole(plan: Plan, parameters: int, advanced: Mapping[str, Any]) -> Plan:
    """The plan for whole matrices instead of LoRA's two thin ones. RunError."""
    if parameters > MOST_FULL:
        raise RunError(
            f"The method full is for models of up to {MOST_FULL / 1e6:.0f} million parameters, and this one has "
            f"{parameters / 1e6:,.0f} million. Choose lora."
        )
    if plan.precision == "nf4":
        raise RunError("The method full changes whole matrices, which 4 bits cannot hold. Choose lora, or fp32.")
    of_lora = sorted({"rank", "alpha", "dropout"} & set(advanced))
    if of_lora:
        raise RunError(f"The method full has no {of_lora[0]}, which is LoRA's. Leave it out, or choose lora.")
    rate = advanced.get("learning_rate", plan.learning_rate * FULL_RATE)
    return replace(plan, learning_rate=rate, precision="fp32" if plan.precision == "auto" else plan.precision)


def learning_rate(parameters: int) -> float:
    """4e-3 for the embedded model, falling to 2e-4 at a billion parameters and 1e-4 beyond."""
    return max(LEAST_LR, min(SMALL_LR, SMALL_LR * (SMALL_MODEL / max(1, parameters)) ** LR_SLOPE))


def rate_at(plan: Plan, step: int) -> float:
    """The learning rate of a step (from 0): a short rise, then a straight fall to 3 %."""
    warmup = min(10, max(1, plan.steps // 10))
    return plan.learning_rate * min(1.0, (step + 1) / warmup) * max(0.03, 1 - step / plan.steps)


def read_wishes(words: Sequence[str]) -> dict[str, Any]:
    """`["rank=8", "seed=1"]` as numbers of a plan to replace. RunError for a name or a value that is none."""
    usual, wishes = Plan().to_json(), dict[str, Any]()
    del usual["preset"]
    for word in words:
        name, _, value = word.partition("=")
        if name not in usual:
            raise RunError(f"There is no training setting {name[:40]!r}; there are {', '.join(usual)}.")
        try:
            wishes[name] = _TRUTH[value.casefold()] if isinstance(usual[name], bool) else type(usual[name])(value)
        except (ValueError, KeyError) as error:
            example = str(usual[name]).lower() if isinstance(usual[name], bool) else usual[name]
            raise RunError(f"{word[:60]!r} gives no value for {name}; it is usually {name}={example}.") from error
    return wishes


def _check(plan: Plan) -> None:
    for name, low, high in (
        ("batch", 1, 1024),
        ("learning_rate", 1e-7, 1.0),
        ("rank", 1, 512),
        ("alpha", 1, 2048),
        ("dropout", 0.0, 0.9),
        ("word_dropout", 0.0, 0.9),
        ("frozen_layers", 0, 1000),
        ("evaluate_every", 1, MOST_STEPS),
        ("save_every", 1, MOST_STEPS),
        ("patience", 0, 1000),
        ("samples", 0, 20),
        ("seed", 0, 2**31 - 1),
        ("max_seconds", 1, 30 * 24 * 3600),
    ):
        _within(name, getattr(plan, name), low, high)
    for name, choices in (
        ("targets", ("all", "attention")),
        ("method", ("lora", "qlora", "full")),
        ("precision", ("auto", "mixed", "fp32", "bf16", "nf4")),
    ):
        if getattr(plan, name) not in choices:
            raise RunError(f"{name} must be one of {', '.join(choices)}, not {str(getattr(plan, name))[:40]!r}.")


def _within(name: str, value: Any, low: float, high: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    whole = isinstance(low, float) or (number and value == int(value))
    if not number or not whole or not low <= value <= high:
        raise RunError(f"{name} must be a {'' if isinstance(low, float) else 'whole '}number from {low:g} to {high:g}.")
