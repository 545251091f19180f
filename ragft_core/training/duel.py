"""One file of examples becomes several runs to compare: SFT against RAFT, a small sweep, a learning curve.

The runs wait for their turn one after the other; `history.group_table` shows how they went.
"""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import RunError
from ..examples.lessons import Recipe
from ..settings import Settings
from .history import group_names
from .prepare import prepare
from .run import Run
from .start import run_name, start

SWEPT = ("rank", "learning_rate", "epochs")
MOST_TRIALS = 12
SHARES = (0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Trial:
    """One run of a group: what sets it apart from the others."""

    label: str
    recipe: str | Recipe
    steps: int | None = None
    advanced: Mapping[str, Any] = field(default_factory=dict)
    share: float = 1.0


@dataclass(frozen=True)
class Group:
    """Runs that were started to be compared; `kind` is duel, sweep or curve."""

    name: str
    kind: str
    runs: tuple[Run, ...]


def start_duel(
    settings: Settings,
    dataset: str | Path,
    preset: str = "small",
    steps: int | None = None,
    name: str | None = None,
    *,
    search: Callable[[str, int], Sequence[Any]] | None = None,
    advanced: Mapping[str, Any] | None = None,
    **more: Any,
) -> Group:
    """Train SFT and RAFT from the same rows, split, plan and number of steps; neither stops early.

    The steps are those of RAFT's plan, which has more lessons in an epoch. Further arguments are those of `start`.
    RunError or DatasetError before anything is started.
    """
    found = cache(search) if search else None
    wishes = {"patience": 0} | dict(advanced or {})
    plan = prepare(settings, dataset, "raft", preset, steps, search=found, advanced=wishes, **_prepared(more)).plan
    wishes |= {"evaluate_every": plan.evaluate_every, "save_every": plan.save_every}
    trials = [Trial(recipe, recipe, plan.steps, wishes) for recipe in ("sft", "raft")]
    return _start_all(settings, dataset, preset, "duel", name, trials, search=found, passages=True, **more)


def start_sweep(
    settings: Settings,
    dataset: str | Path,
    recipe: str | Recipe = "sft",
    preset: str = "small",
    steps: int | None = None,
    name: str | None = None,
    *,
    grid: Mapping[str, Sequence[float]] | None = None,
    search: Callable[[str, int], Sequence[Any]] | None = None,
    advanced: Mapping[str, Any] | None = None,
    **more: Any,
) -> Group:
    """Train every combination of a few ranks, learning rates and epochs (at most 12 runs); alpha is twice the rank.

    Without a grid: ranks 8 and 16, each at half, once and twice the learning rate that the preset would take.
    """
    found = cache(search) if search else None
    base = prepare(settings, dataset, recipe, preset, steps, search=found, advanced=advanced, **_prepared(more)).plan
    rate = base.learning_rate
    grid = grid or {"rank": (8, 16), "learning_rate": (rate / 2, rate, rate * 2)}
    _check_grid(grid, preset, steps)
    trials = []
    for values in itertools.product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        label = "-".join(f"{key.replace('learning_', '')}{value:g}" for key, value in chosen.items())
        wishes = dict(advanced or {}) | chosen | ({"alpha": int(2 * chosen["rank"])} if "rank" in chosen else {})
        trials.append(Trial(label, recipe, steps, wishes))
    return _start_all(settings, dataset, preset, "sweep", name, trials, search=found, **more)


def start_curve(
    settings: Settings,
    dataset: str | Path,
    recipe: str | Recipe = "sft",
    preset: str = "small",
    steps: int | None = None,
    name: str | None = None,
    *,
    shares: Sequence[float] = SHARES,
    search: Callable[[str, int], Sequence[Any]] | None = None,
    advanced: Mapping[str, Any] | None = None,
    **more: Any,
) -> Group:
    """Train on growing shares of the training rows with the same validation rows: would more pairs help?

    Each share lies in the next; all take as many steps as the whole would, and the best in validation counts.
    """
    found = cache(search) if search else None
    wishes = dict(advanced or {})
    plan = prepare(settings, dataset, recipe, preset, steps, search=found, advanced=wishes, **_prepared(more)).plan
    wishes |= {"evaluate_every": plan.evaluate_every, "save_every": plan.save_every}
    if not shares or len(shares) > MOST_TRIALS or not all(0 < share <= 1 for share in shares):
        raise RunError(f"Give 1 to {MOST_TRIALS} shares above 0 and at most 1.")
    trials = [Trial(f"{share:.0%}".rstrip("%"), recipe, plan.steps, wishes, share) for share in sorted(set(shares))]
    return _start_all(settings, dataset, preset, "curve", name, trials, search=found, **more)


def read_grid(words: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """`["rank=8,16", "learning_rate=1e-3,4e-3"]` as a grid. RunError."""
    grid: dict[str, tuple[float, ...]] = {}
    for word in words:
        key, _, values = word.partition("=")
        try:
            numbers = tuple(float(value) for value in values.split(","))
        except ValueError as error:
            raise RunError(f"{word[:60]!r} is no list of numbers; give for example rank=8,16.") from error
        grid[key] = tuple(int(number) if key == "rank" and number == int(number) else number for number in numbers)
    return grid


def _check_grid(grid: Mapping[str, Sequence[float]], preset: str, steps: int | None) -> None:
    strange = [key for key in grid if key not in SWEPT]
    if strange:
        raise RunError(f"{strange[0][:40]!r} cannot be swept; there are {', '.join(SWEPT)}.")
    trials = 1
    for values in grid.values():
        trials *= len(set(values))
        if len(set(values)) != len(values):
            raise RunError("A value stands twice in the sweep; name each once.")
    if not 2 <= trials <= MOST_TRIALS:
        raise RunError(f"A sweep has 2 to {MOST_TRIALS} runs; this one would have {trials}.")
    if "epochs" in grid and (steps or preset == "smoke"):
        raise RunError("Epochs cannot be swept with a fixed number of steps (or the preset smoke).")


def _start_all(
    settings: Settings, dataset: str | Path, preset: str, kind: str, name: str | None, trials: list[Trial], **more: Any
) -> Group:
    """Start the trials in order; every name and plan is checked before the first one starts."""
    home = Path(settings.home)
    name = name or _free_group(home, f"{Path(dataset).stem}-{kind}")
    names = [run_name(home, "", f"{name}-{trial.label}"[:100].rstrip(".-")) for trial in trials]
    if name in group_names(home) or len(set(names)) < len(names):
        raise RunError(f"There is a {kind} {name} already. Choose another name.")
    kept = _prepared(more) | {"search": more.get("search"), "passages": more.get("passages", False)}
    for trial in trials:
        prepare(
            settings, dataset, trial.recipe, preset, trial.steps, advanced=trial.advanced, share=trial.share, **kept
        )
    started = [
        start(
            settings,
            dataset,
            trial.recipe,
            preset,
            trial.steps,
            run,
            advanced=trial.advanced,
            share=trial.share,
            group={"name": name, "kind": kind, "label": trial.label},
            **more,
        )
        for run, trial in zip(names, trials, strict=True)
    ]
    return Group(name, kind, tuple(started))


def _free_group(home: Path, wish: str) -> str:
    wish = re.sub(r"[^\w.-]+", "-", wish).strip("-._")[:60] or "group"
    taken = group_names(home)
    return next(n for n in (wish, *(f"{wish}-{k}" for k in range(2, 10_000))) if n not in taken)


def _prepared(more: Mapping[str, Any]) -> dict[str, Any]:
    """Of `start`'s further arguments those that `prepare` takes."""
    return {key: more[key] for key in ("mapping", "drop", "by", "against") if key in more}
