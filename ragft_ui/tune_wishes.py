"""The fields of a new run to what the core takes: a recipe, a size, steps and the settings that differ. No gradio."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ragft_core.examples import RECIPES, Recipe
from ragft_core.training import RunError
from ragft_core.training.plan import Plan

NAMES = (
    *("recipe", "method", "preset", "steps", "learning_rate", "rank", "alpha", "batch", "targets", "frozen_layers"),
    *("dropout", "word_dropout", "precision", "evaluate_every", "patience", "seed", "golden", "k", "absent"),
)
OF_RECIPE = ("golden", "k", "absent")
BY_SIZE = ("steps", "learning_rate", "evaluate_every")  # 0: the size decides; any other number is meant
SIZED = (*BY_SIZE, "word_dropout")  # no one number is usual for all sizes
WHOLE = ("steps", "rank", "alpha", "batch", "frozen_layers", "evaluate_every", "patience", "seed", "k")


@dataclass(frozen=True)
class Wishes:
    """What a user asked for; `advanced` holds only what differs from the plan's own defaults."""

    recipe: Recipe
    preset: str
    steps: int | None
    advanced: Mapping[str, Any]


def wishes(values: Sequence[Any]) -> Wishes:
    """The fields' values, in the order of NAMES; an empty one is as usual. RunError."""
    given: dict[str, Any] = {name: _number(name, value) for name, value in zip(NAMES, values, strict=True)}
    as_usual = (None, "")
    given = {name: value for name, value in given.items() if value not in as_usual and (value or name not in BY_SIZE)}
    if given.get("recipe") not in RECIPES:
        raise RunError(f"The recipe {str(given.get('recipe'))[:40]!r} is unknown; choose {', '.join(RECIPES)}.")
    recipe = RECIPES[given.pop("recipe")]
    shown = {name: given.pop(name) for name in OF_RECIPE if name in given}
    if recipe.passages:
        _check(shown)
        recipe = replace(recipe, **shown)
    preset, steps = str(given.pop("preset", "small")), given.pop("steps", None)
    usual = vars(Plan())
    differs = {name: value for name, value in given.items() if name in SIZED or value != usual[name]}
    return Wishes(recipe, preset, steps, differs)


def _number(name: str, value: Any) -> Any:
    """Whole numbers as such: the page sends 16.0, or text that a caller made up."""
    if name in WHOLE and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _check(shown: Mapping[str, Any]) -> None:
    golden, k = shown.get("golden", 0.8), shown.get("k", 3)
    if not isinstance(golden, int | float) or not 0 <= golden <= 1:
        raise RunError("The share of rows with the golden passage must be a number from 0 to 1.")
    if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= 8:
        raise RunError("The number of distractors must be a whole number from 1 to 8.")
    if shown.get("absent", "answer") not in ("answer", "abstain"):
        raise RunError("Without the golden passage the model is either to answer or to abstain.")


def as_command(
    home: Path, dataset: Path, wanted: Wishes, name: str, mapping: Mapping[str, str] | None, against: Sequence[Path]
) -> tuple[str, str]:
    """(the `ragft train` line, what it cannot say)."""
    words = ["ragft", "train", str(dataset), "--recipe", wanted.recipe.name, "--preset", wanted.preset]
    words += ["--steps", str(wanted.steps)] if wanted.steps else []
    words += ["--name", name] if name else []
    words += ["--columns", *(f"{field}={column}" for field, column in mapping.items())] if mapping else []
    words += ["--against", *map(str, against)] if against else []
    words += ["--set", *(f"{key}={value}" for key, value in wanted.advanced.items())] if wanted.advanced else []
    usual = wanted.recipe == RECIPES.get(wanted.recipe.name)
    note = "" if usual else "Without RAFT's shares: see the command of the run itself once it has started."
    return shlex.join([*words, "--home", str(home), "--follow"]), note
