"""A file of examples becomes a run: a folder with all it needs, and a process of its own that outlives this one."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..adapters import NAME
from ..errors import RunError
from ..examples.lessons import Recipe
from ..examples.passages import Search
from ..examples.rows import Example, data_sha256
from ..examples.split import Split
from ..prompts import PROMPT_VERSION
from ..settings import Settings
from ..version import VERSION
from .estimate import disk_bytes, lora_parameters
from .prepare import prepare
from .run import FINAL, Run, alive, process_of, read_json, read_run, run_folder, runs_folder, write_json

ROOT = Path(__file__).parents[2]
STOP_GRACE = 60.0  # seconds a stopping run has to save before its processes are ended
MOST_PROCESSES = 64
LAUNCHER = ("RANK", "LOCAL_RANK", "WORLD_SIZE")  # a launcher of this program's own would be taken for the worker's
DISK_ROOM = 50_000_000  # bytes beside the checkpoints


def start(
    settings: Settings,
    dataset: str | Path,
    recipe: str | Recipe = "sft",
    preset: str = "small",
    steps: int | None = None,
    name: str | None = None,
    *,
    search: Search | None = None,
    mapping: Mapping[str, str] | None = None,
    advanced: Mapping[str, Any] | None = None,
    drop: bool = False,
    by: str = "auto",
    against: Sequence[str | Path] = (),
    share: float = 1.0,
    passages: bool = False,
    processes: int = 1,
    group: Mapping[str, str] | None = None,
) -> Run:
    """Check the dataset, freeze all that the run needs in its folder, and start its process; returns at once.

    With `search` RAFT's passages come from the user's index. `drop` leaves out what the clean copy leaves out;
    without it DatasetError names what is blocking. `against`, `share` and `passages` are as in `prepare`; several
    `processes` share each batch under torchrun; `group` names the duel, sweep or curve that the run is part of.
    RunError when the run cannot be started.
    """
    if not 1 <= processes <= MOST_PROCESSES:
        raise RunError(f"A run has 1 to {MOST_PROCESSES} processes, not {processes}.")
    wishes: dict[str, Any] = {"search": search, "mapping": mapping, "advanced": advanced, "drop": drop, "by": by}
    wishes |= {"against": against, "share": share, "passages": passages}
    made = prepare(settings, dataset, recipe, preset, steps, **wishes)
    recipe, plan, parts, weights = made.recipe, made.plan, made.parts, made.weights
    folder = runs_folder(settings.home) / run_name(settings.home, name or f"{Path(dataset).stem}-{recipe.name}", name)
    config = {
        "recipe": vars(recipe),
        "plan": plan.to_json(),
        "settings": _settings(settings, weights.folder),
        "dataset": str(Path(dataset).expanduser().resolve()),
        "data_sha256": data_sha256(parts.train),
        "base_sha256": weights.sha256,
        "split": parts.counts() | {"how": parts.how},
        "dropped": made.dropped,
        "rows_with_passages": sum(bool(row.context) for row in parts.train),
        "prompt_version": PROMPT_VERSION,
        "app_version": VERSION,
        "command": f"{Path(sys.executable).name} {' '.join(_words(folder, processes))}",
        "processes": processes,
        "share": share,
        "group": dict(group or {}),
        "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    enough_disk(folder.parent, lora_parameters(weights, plan))
    make_folder(folder, config, parts)
    return launch(folder)


def run_name(home: Path, wish: str, given: str | None = None) -> str:
    """A free name for a run and its adapter; RunError when the one given is taken or cannot be a name."""
    name = re.sub(r"[^\w.-]+", "-", wish).strip("-._")[:80] or "run"
    if given is not None and (not NAME.fullmatch(given) or ".." in given):
        raise RunError(f"{given[:60]!r} cannot be a run's name; a name has letters, digits, - and _ only.")

    def taken(name: str) -> bool:
        return (runs_folder(home) / name).exists() or (Path(home) / "adapters" / name).exists()

    if given is not None:
        if taken(given):
            raise RunError(f"There is a run or an adapter {given} already. Choose another name.")
        return given
    number = next(n for n in range(1, 100_000) if not taken(name if n == 1 else f"{name}-{n}"))
    return name if number == 1 else f"{name}-{number}"


def make_folder(folder: Path, config: Mapping[str, Any], parts: Split) -> None:
    """Write a run's folder whole or not at all."""
    new = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.new")
    try:
        (new / "data").mkdir(parents=True)
        (new / "checkpoints").mkdir()
        for part in ("train", "validation", "test"):
            write_rows(new / "data" / f"{part}.jsonl", getattr(parts, part))
        write_json(new / "config.json", dict(config))
        new.rename(folder)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        raise RunError(
            f"The run's folder {folder} cannot be written ({error.strerror or error}). Make room and try again."
        ) from error


def write_rows(file: Path, rows: tuple[Example, ...]) -> None:
    file.write_text("".join(json.dumps(row.to_json(), ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def launch(folder: Path, command: list[str] | None = None) -> Run:
    """Start a run's process in a session of its own, so that it lives on when this program ends."""
    config = read_json(folder / "config.json") | {"started": time.time()}
    write_json(folder / "config.json", config)
    (folder / "CANCEL").unlink(missing_ok=True)
    (folder / "proc.json").unlink(missing_ok=True)
    write_json(folder / "state.json", read_json(folder / "state.json") | {"state": "queued", "message": "Waiting"})
    env = {key: value for key, value in os.environ.items() if not key.startswith("RAGFT_") and key not in LAUNCHER}
    env["HF_HUB_OFFLINE"] = "1"  # the base was resolved to a folder; libraries would still ask for optional files
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH", "")]))
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            command or [sys.executable, *_words(folder, config.get("processes", 1))],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    write_json(folder / "proc.json", process_of(process.pid))
    return read_run(folder)


def _words(folder: Path, processes: int) -> list[str]:
    """What the interpreter is called with: the worker or, for several processes, torchrun with it."""
    several = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    return [*(several if processes > 1 else ()), "-m", "ragft_core.training.worker", str(folder)]


def resume(settings: Settings, run_id: str) -> Run:
    """Go on with a stopped or failed run from its newest valid checkpoint. RunError when there is nothing to resume."""
    folder = run_folder(settings.home, run_id)
    run = read_run(folder)
    if run.state == "done":
        raise RunError(f"The run {run_id} is done; start a new one.")
    if run.state not in FINAL:
        raise RunError(f"The run {run_id} is {run.state}; stop it first.")
    if not (folder / "data" / "train.jsonl").is_file():
        raise RunError(f"The data of the run {run_id} were deleted from {folder / 'data'}. Start a new run.")
    return launch(folder)


def stop(settings: Settings, run_id: str, *, wait: float = 0.0, grace: float = STOP_GRACE) -> Run:
    """Ask a run to stop after the step in hand and keep its best adapter; waits up to `wait` seconds for the end.

    A process that has not ended `grace` seconds after the first call is ended hard by a later call.
    """
    folder = run_folder(settings.home, run_id)
    end = time.monotonic() + wait
    run = read_run(folder)
    if run.final:
        return run
    asked = folder / "CANCEL"
    if not asked.exists():
        asked.touch()
    while not (run := read_run(folder)).final and time.monotonic() < end:
        time.sleep(0.1)
    if not run.final and time.time() - asked.stat().st_mtime > grace:
        end_processes(read_json(folder / "proc.json"))
        run = read_run(folder)
    return run


def end_processes(process: dict[str, Any]) -> None:
    """End a run's process and its children, which share its session and group."""
    if alive(process):
        with contextlib.suppress(OSError):
            os.killpg(int(process["pid"]), signal.SIGKILL)


def follow(home: Path, run_id: str, every: float = 0.5) -> Iterator[Run]:
    """The run again and again as it changes, until it has ended."""
    folder, last = run_folder(home, run_id), None
    while True:
        run = read_run(folder)
        if run != last:
            yield run
        if run.final:
            return
        last = run
        time.sleep(every)


def enough_disk(folder: Path, trained: int) -> None:
    """RunError when the disk cannot hold the run's checkpoints and adapter; `trained` counts its numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    need, free = disk_bytes(trained) + DISK_ROOM, shutil.disk_usage(folder).free
    if free < need:
        raise RunError(
            f"The disk with {folder} has {free / 1e6:.0f} MB free; the run needs {need / 1e6:.0f} MB. Make room."
        )


def _settings(settings: Settings, model: Path) -> dict[str, Any]:
    """What the worker needs of the settings; no key or password is among them."""
    return {
        "home": str(Path(settings.home).expanduser().resolve()),
        "model": str(model.resolve()),
        "device": settings.device,
        "threads": settings.threads,
    }
