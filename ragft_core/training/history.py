"""Two runs become what differs between them: data, recipe, plan and what came of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .run import read_json, read_run

NOT_COMPARED = {"started", "created", "command", "settings", "dataset"}
HASH_SHOWN = 12


def facts(folder: Path) -> dict[str, Any]:
    """Everything that decides a run, and what came of it, as one flat mapping; hashes are shortened."""
    config, run = read_json(folder / "config.json"), read_run(folder)
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and key not in NOT_COMPARED:
            flat |= {inner if key == "plan" else f"{key} {inner}": found for inner, found in value.items()}
        elif key not in NOT_COMPARED:
            flat[key] = value[:HASH_SHOWN] if key.endswith("sha256") and isinstance(value, str) else value
    flat["data file"] = Path(str(config.get("dataset", ""))).name
    flat["state"], flat["steps taken"] = run.state, run.step
    flat["training loss"], flat["validation loss"] = run.train_loss, run.eval_loss
    return flat | outcome(folder)


def outcome(folder: Path) -> dict[str, Any]:
    """The report's verdict and figures; empty before there is a report."""
    report = read_json(folder / "report.json")
    if not report:
        return {}
    found: dict[str, Any] = {"did it work": report.get("colour")}
    for finding in report.get("findings", ()):
        if isinstance(finding, Mapping):
            found[f"report {finding.get('name')}"] = finding.get("message")
    return found


def differences(a: Path, b: Path) -> tuple[list[tuple[str, Any, Any]], int]:
    """(name, value in a, value in b) of all that differs, in the order of the configuration; and how much is equal."""
    left, right = facts(a), facts(b)
    names = [*left, *(name for name in right if name not in left)]
    told = [(name, left.get(name), right.get(name)) for name in names if left.get(name) != right.get(name)]
    return told, len(names) - len(told)
