"""A file of examples and wishes become all that a run is made of, checked, before anything is written."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import DatasetError, RunError
from ..examples.check import check
from ..examples.lessons import RECIPES, Lesson, Recipe, epoch_lessons
from ..examples.lint import clean
from ..examples.passages import Search, with_passages
from ..examples.rows import Example
from ..examples.split import Split, split
from ..settings import Settings
from ..weights import Weights, find_weights
from .estimate import Estimate, estimate
from .plan import Plan, make_plan


@dataclass(frozen=True)
class Prepared:
    """All that a run is made of, before anything is written."""

    recipe: Recipe
    plan: Plan
    parts: Split
    lessons: list[Lesson]
    weights: Weights
    dropped: Mapping[str, list[int]]


def prepare(
    settings: Settings,
    dataset: str | Path,
    recipe: str | Recipe = "sft",
    preset: str = "small",
    steps: int | None = None,
    *,
    search: Search | None = None,
    mapping: Mapping[str, str] | None = None,
    advanced: Mapping[str, Any] | None = None,
    drop: bool = False,
    by: str = "auto",
    against: Sequence[str | Path] = (),
    share: float = 1.0,
    passages: bool = False,
) -> Prepared:
    """Check, split and plan a run, as `start` does, without starting it; `lessons` are those of the first epoch.

    `against` are evaluation sets that must not share rows with this one. `share` (above 0, to 1) trains on a part of
    the training rows, and a smaller part lies in every larger one. With `passages` the rows get passages though the
    recipe does not train on them, so that runs of two recipes are measured on the same.
    """
    recipe = chosen_recipe(recipe)
    if not 0 < share <= 1:
        raise RunError("The share of the training rows must be above 0 and at most 1.")
    checked = check(dataset, mapping=mapping, by=by, others=against)
    if checked.reading.kind == "evaluation":
        raise DatasetError(f"{Path(dataset).name} is an evaluation set; training on it would spoil it.")
    if drop:
        rows, dropped = clean(checked.reading, checked.problems)
    else:
        checked.refuse()
        rows, dropped = list(checked.reading.rows), {}
    if not rows:
        raise DatasetError(f"Nothing of {Path(dataset).name} can be trained on. Mend its rows.")
    seed = int((advanced or {}).get("seed", 0))
    parts = split(rows, seed=seed, by=by)
    if recipe.passages or passages:
        parts = _with_passages(parts, search, seed)
    if share < 1:
        parts = replace(parts, train=_part(parts.train, share, seed))
    weights = find_weights(settings.model, settings.revision)
    lessons = epoch_lessons(parts.train, recipe, seed, 0)
    if not lessons:
        raise DatasetError(f"The recipe {recipe.name} shows none of the rows: all are for rehearsal with passages.")
    plan = make_plan(len(lessons), weights.parameters, preset, steps, advanced or {})
    return Prepared(recipe, plan, parts, lessons, weights, dropped)


def estimated(settings: Settings, dataset: str | Path, *words: Any, **more: Any) -> Estimate:
    """What `start` with the same arguments would cost, without starting anything."""
    made = prepare(settings, dataset, *words, **more)
    return estimate(Path(settings.home), made.weights, made.plan, made.lessons)


def chosen_recipe(recipe: str | Recipe) -> Recipe:
    if isinstance(recipe, Recipe):
        return recipe
    if recipe not in RECIPES:
        raise RunError(f"The recipe {str(recipe)[:40]!r} is unknown; choose {', '.join(RECIPES)}.")
    return RECIPES[recipe]


def _with_passages(parts: Split, search: Search | None, seed: int) -> Split:
    """All parts with passages found among all rows, so that a part is not shown easier ones."""
    rows = with_passages([*parts.train, *parts.validation, *parts.test], search, seed)
    first, second = len(parts.train), len(parts.train) + len(parts.validation)
    return Split(tuple(rows[:first]), tuple(rows[first:second]), tuple(rows[second:]), parts.how)


def _part(rows: tuple[Example, ...], share: float, seed: int) -> tuple[Example, ...]:
    """So many rows, drawn by the seed, in file order."""
    drawn = random.Random(f"{seed}/share").sample(range(len(rows)), len(rows))
    return tuple(rows[n] for n in sorted(drawn[: max(1, round(len(rows) * share))]))
