"""Finished and running runs become rows of a table, and two of them a list of what differs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .run import events, read_json, read_run, run_folder, runs_folder

SAME = ("steps", "epochs", "batch", "learning_rate", "rank", "alpha", "dropout", "targets", "method")
MORE = ("word_dropout", "frozen_layers", "precision", "patience", "seed", "preset")


def facts(home: Path, run_id: str) -> dict[str, Any]:
    """One run as a flat row: how it was made, how it went, and what its report says; None where not known.

    `right` counts are of `asked` questions, losses are nats per answer token. NotFoundError for an unknown run.
    """
    folder = run_folder(home, run_id)
    run, config = read_run(folder), read_json(folder / "config.json")
    figures = read_json(folder / "report.json").get("figures", {})
    losses = [event["loss"] for event in events(folder) if event.get("kind") == "evaluation"]
    plan = config.get("plan", {})
    row: dict[str, Any] = {
        "run": run.id,
        "label": config.get("group", {}).get("label", ""),
        "state": run.state,
        "recipe": run.recipe,
        "data_sha256": config.get("data_sha256", ""),
        "rows": config.get("split", {}).get("train"),
        "base_sha256": config.get("base_sha256", ""),
        **{name: plan.get(name) for name in (*SAME, *MORE)},
        "step": run.step,
        "best_step": read_json(folder / "state.json").get("best_step"),
        "seconds": run.seconds,
        "validation_before": losses[0] if losses else None,
        "validation_best": min(losses, default=None),
        "colour": read_json(folder / "report.json").get("colour"),
    }
    for part in ("trained", "held_out", "reading", "forgetting"):
        found = figures.get(part) or {}
        row |= {f"{part}_{key}": found.get(key) for key in ("asked", "right_before", "right_after")}
    return row


def difference(home: Path, one: str, other: str) -> list[dict[str, Any]]:
    """What two runs differ in, as {name, one, other}; equal facts are left out."""
    first, second = facts(home, one), facts(home, other)
    return [{"name": name, "one": first[name], "other": second[name]} for name in first if first[name] != second[name]]


def group_names(home: Path) -> dict[str, str]:
    """The duels, sweeps and curves of a home: name -> kind, newest first."""
    found = sorted(_grouped(home), key=lambda config: str(config.get("created", "")), reverse=True)
    return {config["group"]["name"]: config["group"]["kind"] for config in found}


def group_table(home: Path, group: str) -> list[dict[str, Any]]:
    """The rows of a group's runs, in the order in which they were started; empty for an unknown group."""
    found = [config for config in _grouped(home) if config["group"]["name"] == group]
    ordered = sorted(found, key=lambda config: str(config.get("created", "")))
    return [facts(home, config["id"]) for config in ordered]


def best_of(rows: list[dict[str, Any]]) -> str:
    """The run with the lowest validation loss; empty while none is known or when recipes differ.

    A recipe's validation shows its own lessons, so the losses of two recipes say nothing about each other.
    """
    known = [row for row in rows if row["validation_best"] is not None]
    if not known or len({row["recipe"] for row in rows}) > 1:
        return ""
    return str(min(known, key=lambda row: row["validation_best"])["run"])


def table_lines(rows: list[dict[str, Any]]) -> list[str]:
    """The table for a terminal; counts are right answers after (before) of those asked."""
    lines = [f"{'run':28} {'state':8} {'rows':>5} {'steps':>6} {'valid.':>7}  by heart  held out  reading   general"]
    best = best_of(rows)
    for row in rows:
        loss = "" if row["validation_best"] is None else f"{row['validation_best']:.3f}"
        counts = "  ".join(f"{_count(row, part):8}" for part in ("trained", "held_out", "reading", "forgetting"))
        mark = "  <- lowest validation loss" if row["run"] == best and len(rows) > 1 else ""
        lines.append(
            f"{row['run']:28} {row['state']:8} {row['rows'] or 0:5} {row['step']:6} {loss:>7}  {counts}{mark}".rstrip()
        )
    return lines


def _count(row: Mapping[str, Any], part: str) -> str:
    if row[f"{part}_asked"] is None:
        return "-"
    return f"{row[f'{part}_right_after']}/{row[f'{part}_asked']} ({row[f'{part}_right_before']})"


def _grouped(home: Path) -> list[dict[str, Any]]:
    files = [file for file in runs_folder(home).glob("*/config.json") if not file.parent.name.startswith(".")]
    configs = [read_json(file) | {"id": file.parent.name} for file in files]
    return [config for config in configs if config.get("group", {}).get("name")]
