"""What check, train, runs, stop and resume do for a terminal: calls become a JSON value and lines for people."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import NotFoundError
from ..examples.check import check, clean_copy
from ..examples.passages import Search
from ..model import load_tokenizer
from ..settings import Settings
from ..types import Progress
from ..weights import find_weights
from .duel import read_grid, start_curve, start_duel, start_sweep
from .history import best_of, difference, group_names, group_table, table_lines
from .run import Run, events, run_folder, runs, status
from .start import follow, resume, start, stop

Result = tuple[Any, list[str]]
Show = Callable[[Progress], None]
STOP_WAIT = 60.0  # seconds that `stop` waits for a run to save


def run_check(
    settings: Settings,
    dataset: str,
    *,
    others: Sequence[str] = (),
    clean: str | None = None,
    search: Search | None = None,
    mapping: Mapping[str, str] | None = None,
) -> Result:
    """`check DATASET`: read and lint a set; with `clean` also write the clean copy there.

    `others` are sets that must not share rows with it; with `search` also the index must not hold its answers.
    """
    window = int(find_weights(settings.model, settings.revision).config.get("max_position_embeddings", 0))
    tokenizer = load_tokenizer(settings)
    checked = check(dataset, tokenizer=tokenizer, window=window, others=others, search=search, mapping=mapping)
    data = checked.to_json()
    lines = [f"line {p.line}: {p.kind}{' (blocking)' * p.blocking}: {p.message}" for p in checked.problems]
    lines.append(f"{data['rows']} rows, {len(checked.problems)} problems, {len(checked.blocking)} of them blocking.")
    if data["kind"] == "training":
        lines.append(checked.split.how)
    if clean is not None:
        data["dropped"] = clean_copy(checked, clean)
        dropped = ", ".join(f"{len(found)} {kind}" for kind, found in data["dropped"].items()) or "nothing"
        lines.append(f"Clean copy in {clean}; dropped: {dropped}.")
    return data, lines


def run_train(
    settings: Settings,
    dataset: str,
    recipe: str = "sft",
    preset: str = "small",
    steps: int | None = None,
    name: str | None = None,
    *,
    search: Search | None = None,
    following: bool = False,
    show: Show = lambda _: None,
    **more: Any,
) -> Result:
    """`train DATASET`: start a run; with `following` wait for its end and show how it goes."""
    run = start(settings, dataset, recipe, preset, steps, name, search=search, **more)
    return followed(settings, run, show) if following else (run.to_json(), run_lines(run))


def run_group(
    settings: Settings,
    kind: str,
    dataset: str,
    recipe: str = "sft",
    preset: str = "small",
    steps: int | None = None,
    name: str | None = None,
    *,
    grid: Sequence[str] = (),
    **more: Any,
) -> Result:
    """`train DATASET --duel | --sweep | --curve`: start runs to compare, one after the other."""
    if kind == "duel":
        group = start_duel(settings, dataset, preset, steps, name, **more)
    elif kind == "sweep":
        group = start_sweep(settings, dataset, recipe, preset, steps, name, grid=read_grid(grid), **more)
    else:
        group = start_curve(settings, dataset, recipe, preset, steps, name, **more)
    return group_result(settings, group.name, group.kind)


def follow_group(settings: Settings, name: str, show: Show = lambda _: None) -> Result:
    """Wait for the end of all runs of a group."""
    for row in group_table(settings.home, name):
        followed(settings, status(settings.home, row["run"]), show)
    return group_result(settings, name, group_names(settings.home)[name])


def group_result(settings: Settings, name: str, kind: str) -> Result:
    """A group as its table."""
    rows = group_table(settings.home, name)
    lines = [f"{kind} {name}: ragft runs --group {name}", *table_lines(rows)]
    return {"group": name, "kind": kind, "best": best_of(rows), "runs": rows}, lines


def run_follow(settings: Settings, run_id: str, show: Show = lambda _: None) -> Result:
    """Wait for the end of a run that is already going."""
    return followed(settings, status(settings.home, run_id), show)


def followed(settings: Settings, run: Run, show: Show = lambda _: None) -> Result:
    """Wait for the end of a run, however long; interrupting leaves the run going."""
    for run in follow(settings.home, run.id):  # noqa: B020 - each is the same run, later
        loss = f", loss {run.train_loss:.3f}" if run.train_loss is not None else ""
        held = f", validation {run.eval_loss:.3f}" if run.eval_loss is not None else ""
        left = f", about {run.eta_seconds / 60:.0f} min left" if run.eta_seconds is not None else ""
        show(Progress(run.step, run.steps, f"{run.state}: {run.message}{loss}{held}{left}"))
    show(Progress(0, 0, ""))
    return run.to_json(), run_lines(run)


def run_runs(
    settings: Settings, run_id: str | None = None, *, group: str | None = None, other: str | None = None
) -> Result:
    """`runs [ID]`: all runs, or one with its last events; a group's table; or what two runs differ in."""
    if group is not None:
        kinds = group_names(settings.home)
        if group not in kinds:
            raise NotFoundError(
                f"There is no duel, sweep or curve {group[:60]!r}; there are {', '.join(kinds) or 'none'}."
            )
        return group_result(settings, group, kinds[group])
    if run_id is not None and other is not None:
        rows = difference(settings.home, run_id, other)
        lines = [f"{row['name']:26} {row['one']!s:>24}  {row['other']!s:>24}" for row in rows]
        return {"one": run_id, "other": other, "differs": rows}, lines or ["The two runs do not differ."]
    if run_id is None:
        found = runs(settings.home)
        return {"runs": [run.to_json() for run in found]}, [run_line(run) for run in found] or ["No runs yet."]
    run = status(settings.home, run_id)
    losses = [e for e in events(run_folder(settings.home, run_id)) if e.get("kind") == "evaluation"]
    lines = [f"  step {e['step']:5}: validation loss {e['loss']:.3f}{' (best)' * bool(e['best'])}" for e in losses]
    return run.to_json(), [*run_lines(run), *lines[-10:]]


def run_stop(settings: Settings, run_id: str) -> Result:
    """`stop ID`: stop after the step in hand, keep the best adapter."""
    run = stop(settings, run_id, wait=STOP_WAIT)
    return run.to_json(), run_lines(run)


def run_resume(settings: Settings, run_id: str) -> Result:
    """`resume ID`: go on from the newest valid checkpoint."""
    run = resume(settings, run_id)
    return run.to_json(), run_lines(run)


def run_line(run: Run) -> str:
    return f"{run.state:8} {run.id}  step {run.step} of {run.steps}  {run.message}"


def run_lines(run: Run) -> list[str]:
    adapter = [f"adapter  {Path(run.adapter).name}"] if run.adapter and run.final else []
    return [run_line(run), f"folder   {run.folder}", f"command  {run.command}", *adapter]
