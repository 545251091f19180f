"""The process of one run: waits for its turn, trains, keeps the adapter, and says in its files how it goes."""

import errno
import json
import logging
import os
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..errors import RagftError, RunError
from ..examples.lessons import Recipe
from ..examples.rows import Example
from ..settings import Settings
from .plan import Plan
from .run import alive, events, process_of, read_json, write_json
from .team import Team

BEAT = 1.0  # seconds between two heartbeats
POLL = 0.25  # seconds between two looks whether it is this run's turn
TOLD_EVERY = 0.5  # seconds between two writes of state.json
LAST_WORDS = 40  # tries, half a second apart, to write why a run failed
RESERVE = 65_536  # bytes kept to be able to write the last words on a full disk

log = logging.getLogger("ragft.training")


class Worker:
    """A run's folder and what its process writes into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = read_json(folder / "config.json")
        self.plan = Plan.from_json(self.config["plan"])
        self.team = Team.from_environment()
        self._terminated = False
        self._told = 0.0
        self._state = read_json(folder / "state.json")

    def stopped(self) -> bool:
        return self._terminated or (self.folder / "CANCEL").exists()

    def say(self, state: str, message: str, **facts: Any) -> None:
        """Write state.json; on a full disk the reserve makes room for it."""
        self._state |= {"state": state, "message": message, **facts}
        try:
            write_json(self.folder / "state.json", self._state)
        except OSError:
            (self.folder / "reserve").unlink(missing_ok=True)
            write_json(self.folder / "state.json", self._state)

    def tell(self, event: dict[str, Any]) -> None:
        """Add an event; what state.json says follows at most half a second later."""
        with (self.folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(event, ensure_ascii=False) + "\n")
        if event["kind"] == "step":
            self._state |= {"step": event["step"], "train_loss": event["loss"], "seconds": event["seconds"]}
            pace = self._state.get("seconds_per_step") or event["seconds"] / event["step"]
            took = event["tokens"] / max(event["tokens_per_second"], 1e-9)
            self._state["seconds_per_step"] = 0.9 * pace + 0.1 * took
        if event["kind"] == "evaluation":
            self._state["eval_loss"] = event["loss"]
        if time.monotonic() - self._told > TOLD_EVERY or event["kind"] == "evaluation":
            self._told = time.monotonic()
            self.say("running", f"Training, step {self._state.get('step', 0)} of {self.plan.steps}")

    # ---------------------------------------------------------------- the run

    def run(self) -> None:
        """All of it; every failure becomes the state failed with a sentence."""
        if not self.team.first:
            return self._assist()
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_terminated", True))
        write_json(self.folder / "proc.json", process_of(os.getpid()))
        threading.Thread(target=self._beat, daemon=True).start()
        try:
            with FileLock(self.folder / "run.lock").acquire(timeout=0):
                self._in_turn()
        except Timeout:
            log.warning("Another process works on this run already.")
        except RagftError as error:
            self._fail(str(error))
        except MemoryError:
            self._fail(no_memory())
        except OSError as error:
            self._fail(disk_sentence(error, self.folder))
        except RuntimeError as error:  # torch says in words only that memory is short
            short = "memory" in str(error).lower()
            log.exception("The run failed")
            self._fail(no_memory() if short else f"The training failed: {str(error)[:300]}. See log.txt.")
        finally:
            self.team.leave()
            (self.folder / "reserve").unlink(missing_ok=True)
        return None

    def _assist(self) -> None:
        """Compute a part of each batch for the first process, which alone writes; ends as that one does."""
        self.team.join(self.config["settings"].get("device", "auto"))
        self._loop(lambda _: None).train()
        self.team.leave()

    def _fail(self, message: str) -> None:
        log.error(message)
        for _ in range(LAST_WORDS):  # whoever filled the disk may be making room
            with suppress(OSError):
                self.say("failed", message)
                return
            time.sleep(0.5)

    def _in_turn(self) -> None:
        (self.folder / "reserve").write_bytes(b"\0" * RESERVE)
        self.say("queued", "Waiting for its turn: one run trains at a time.")
        turn = FileLock(self.folder.parent / "turn.lock")
        while not (self._first() and self._taken(turn)):
            if self.stopped():
                self.say("stopped", "It was stopped before it began; nothing was trained.")
                return
            time.sleep(POLL)
        try:
            self._train()
        finally:
            turn.release()

    def _first(self) -> bool:
        """Whether no run that waits was started before this one."""
        mine = (self.config.get("started", 0.0), self.folder.name)
        for file in self.folder.parent.glob("*/state.json"):
            other = file.parent
            if other == self.folder or other.name.startswith(".") or read_json(file).get("state") != "queued":
                continue
            theirs = (read_json(other / "config.json").get("started", 0.0), other.name)
            if theirs < mine and alive(read_json(other / "proc.json")):
                return False
        return True

    @staticmethod
    def _taken(turn: FileLock) -> bool:
        try:
            turn.acquire(timeout=0)
        except Timeout:
            return False
        return True

    def _train(self) -> None:
        self.say("starting", "Loading the base model")
        self._forget_lost_steps()
        self.team.join(self.config["settings"].get("device", "auto"))
        loop = self._loop(self.tell)
        student = loop.student
        self.say(
            "running", "Training", precision=student.precision, device=student.base.device, processes=self.team.size
        )
        ended = loop.train()
        self._finish(loop, ended)

    def _loop(self, tell: Any) -> Any:
        """The base with fresh LoRA layers, the rows, and the loop over them. RagftError."""
        rows, held = self._rows("train"), self._rows("validation")
        settings = Settings.load(**self.config["settings"], precision=self.plan.of_base)
        from .loop import Loop  # torch and PEFT take seconds to import: the state says "starting" by now
        from .student import load_student

        student = load_student(settings, self.plan, self.team.size)
        if student.base.sha256 != self.config["base_sha256"]:
            raise RunError("The base model has changed since this run was started. Start a new run.")
        recipe = Recipe(**self.config["recipe"])
        return Loop(student, self.plan, recipe, rows, held, self.folder, tell, self.stopped, self.team)

    def _finish(self, loop: Any, ended: str) -> None:
        """Keep the best adapter, report on it, and say how the run ended."""
        from ..examples.lessons import closed_book
        from .adapter import card_of, changes_answers, keep, publish
        from .report import report

        weights, step = loop.best()
        if not step:
            self.say("stopped", f"{loop.reason} Nothing was trained yet.")
            return
        self.say("running" if ended == "done" else "stopping", "Keeping the best adapter", step=loop.step)
        metrics = {"train_loss": loop.train_loss, "eval_loss": loop.best_loss}
        loop.student.put(weights)
        changes_answers(loop.student, [closed_book(row) for row in loop.rows[:8]])
        card = card_of(self.config, loop.student, self.folder.name, step, metrics)
        adapter = keep(loop.student, weights, self.folder, card)
        placed = publish(adapter, Path(self.config["settings"]["home"]), self.folder.name)
        if ended == "done":
            self.say("running", "Measuring whether it worked", step=loop.step, adapter=str(placed))
            found = report(loop.student, loop.rows, loop.held, self.plan.preset, list(events(self.folder)))
            write_json(self.folder / "report.json", found)
        where = f"The adapter {placed.name} of step {step} is ready."
        self.say(ended, f"{loop.reason} {where}", step=loop.step, adapter=str(placed), best_step=step)

    # ---------------------------------------------------------------- parts

    def _rows(self, part: str) -> list[Example]:
        file = self.folder / "data" / f"{part}.jsonl"
        try:
            lines = file.read_text("utf-8").splitlines()
            return [Example.from_json(json.loads(line)) for line in lines]
        except OSError as error:
            raise RunError(f"The run's data {file} are gone ({error.strerror}). Start a new run.") from error
        except (ValueError, TypeError) as error:
            raise RunError(f"The run's data {file} are damaged. Start a new run.") from error

    def _forget_lost_steps(self) -> None:
        """Drop the events after the checkpoint that the run goes on from; they will be written again."""
        from . import checkpoint

        found = checkpoint.newest(self.folder)
        last = int(found.name.removeprefix("step-")) if found else -1
        kept = [json.dumps(event, ensure_ascii=False) for event in events(self.folder) if event.get("step", 0) <= last]
        new = self.folder / ".events.new"
        new.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        new.replace(self.folder / "events.jsonl")
        for torn in (self.folder / "checkpoints").glob(".step-*"):
            shutil.rmtree(torn, ignore_errors=True)

    def _beat(self) -> None:
        while True:
            with suppress(OSError):
                (self.folder / "heartbeat").touch()
            time.sleep(BEAT)


def no_memory() -> str:
    return "There is not enough memory for this run. Choose a smaller batch, the method qlora, or a smaller model."


def disk_sentence(error: OSError, folder: Path) -> str:
    """What the user can do about an error of the disk."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"The disk with {folder} is full. Make room, then resume: nothing that was saved is lost."
    return f"A file could not be read or written ({error.strerror or error}: {error.filename or folder})."


def main(words: list[str]) -> int:
    """`python -m ragft_core.training.worker FOLDER`."""
    if len(words) != 1 or not (Path(words[0]) / "config.json").is_file():
        print("usage: python -m ragft_core.training.worker FOLDER (of a run)", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(5)  # the page and its answers come first
    worker = Worker(Path(words[0]).resolve())
    worker.run()
    waiting = worker.team.size > 1 and not worker.team.joined
    return 1 if waiting else 0  # torchrun then ends the others, which wait for this one


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
