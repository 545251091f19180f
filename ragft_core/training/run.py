"""A run's folder becomes its state as it is right now, whoever was killed: read from disk, no torch."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import NotFoundError
from ..home import write_atomically

FINAL = ("stopped", "done", "failed")
BIRTH_SECONDS = 4.0  # how long a new process may take to be seen
SILENT_SECONDS = 60.0  # without a heartbeat, after which a living process is said not to answer


@dataclass(frozen=True)
class Run:
    """A training run at this moment, as the contract gives it; losses are nats per answer token.

    `state` is queued, starting, running, stopping, stopped, done or failed; `adapter` is its folder once usable.
    """

    id: str
    state: str
    step: int = 0
    steps: int = 0
    train_loss: float | None = None
    eval_loss: float | None = None
    seconds: float = 0.0
    eta_seconds: float | None = None
    message: str = ""
    folder: str = ""
    command: str = ""
    recipe: str = ""
    preset: str = ""
    created: str = ""
    adapter: str = ""

    @property
    def final(self) -> bool:
        return self.state in FINAL

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def runs_folder(home: Path) -> Path:
    return Path(home) / "runs"


def run_folder(home: Path, run_id: str) -> Path:
    """The folder of a run; NotFoundError for a name that is none."""
    folder = runs_folder(home) / run_id
    if folder.parent != runs_folder(home) or run_id.startswith(".") or not (folder / "config.json").is_file():
        raise NotFoundError(f"There is no training run {run_id[:60]!r}.")
    return folder


def runs(home: Path) -> list[Run]:
    """All runs of a home, newest first."""
    folders = [f.parent for f in runs_folder(home).glob("*/config.json") if not f.parent.name.startswith(".")]
    return sorted((read_run(folder) for folder in folders), key=lambda run: (run.created, run.id), reverse=True)


def status(home: Path, run_id: str) -> Run:
    """One run as it is right now."""
    return read_run(run_folder(home, run_id))


def read_run(folder: Path) -> Run:
    """The state of a run from its files and its process; a dead process is never told as running."""
    config, kept = read_json(folder / "config.json"), read_json(folder / "state.json")
    state, message = kept.get("state", "queued"), kept.get("message", "")
    if state not in FINAL:
        state, message = _living(folder, state, message, config)
    step, steps = kept.get("step", 0), config.get("plan", {}).get("steps", 0)
    seconds = kept.get("seconds", 0.0)
    rate = kept.get("seconds_per_step")
    adapter = folder / "adapter"
    return Run(
        id=folder.name,
        state=state,
        step=step,
        steps=steps,
        train_loss=kept.get("train_loss"),
        eval_loss=kept.get("eval_loss"),
        seconds=seconds,
        eta_seconds=round(rate * (steps - step), 1) if rate and state == "running" else None,
        message=message,
        folder=str(folder),
        command=config.get("command", ""),
        recipe=config.get("recipe", {}).get("name", ""),
        preset=config.get("plan", {}).get("preset", ""),
        created=config.get("created", ""),
        adapter=kept.get("adapter", "") or (str(adapter) if adapter.is_dir() else ""),
    )


def _living(folder: Path, state: str, message: str, config: dict[str, Any]) -> tuple[str, str]:
    """The state of a run that has not said it ended: what it says if its process lives, else failed."""
    process = read_json(folder / "proc.json")
    if alive(process):
        if (folder / "CANCEL").exists():
            return "stopping", "Stopping after the step in hand; the best adapter so far is kept."
        silent = time.time() - _changed(folder / "heartbeat", process.get("create_time", 0.0))
        if silent > SILENT_SECONDS:
            message = f"The run's process has given no sign for {silent:.0f} s. {message}"
        return state, message
    if not process and time.time() - config.get("started", 0.0) < BIRTH_SECONDS:
        return "starting", "Starting"
    kept = newest_step(folder)
    go_on = f"Resume goes on from step {kept}." if kept else "Resume starts it again."
    return "failed", f"The run's process was killed or ended without a word. {go_on}"


def alive(process: dict[str, Any]) -> bool:
    """Whether the process of a proc.json still runs: the same pid, started at the same moment, and no zombie."""
    import psutil

    try:
        found = psutil.Process(int(process["pid"]))
        same = abs(found.create_time() - float(process["create_time"])) < 1.0
        return same and found.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, KeyError, TypeError, ValueError):
        return False


def newest_step(folder: Path) -> int:
    """The step of the newest checkpoint that was finished; 0 when there is none."""
    found = (folder / "checkpoints").glob("step-*/COMPLETE")
    return max((int(marker.parent.name.removeprefix("step-")) for marker in found), default=0)


def events(folder: Path) -> Iterator[dict[str, Any]]:
    """The events of a run in order; a line that was cut short by a kill is left out."""
    try:
        lines = (folder / "events.jsonl").read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object; empty when the file is not there or cannot be read."""
    try:
        data = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def write_json(file: Path, data: dict[str, Any]) -> None:
    """Replace a JSON file whole or not at all."""
    write_atomically(file, json.dumps(data, ensure_ascii=False, indent=1))


def process_of(pid: int) -> dict[str, Any]:
    """What proc.json says of a process."""
    import psutil

    return {"pid": pid, "create_time": psutil.Process(pid).create_time(), "host": os.uname().nodename}


def _changed(file: Path, default: float) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return default
