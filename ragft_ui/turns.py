"""A visitor's turn with the model: who is to stop, and frames at a pace that a screen can follow. No gradio here."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any

from ragft_core.types import Comparison, Status

FRAMES_APART = 0.05  # seconds: at most 20 frames a second reach the page
LOOK_APART = 0.25  # seconds between two looks at a model that is still loading; a closed tab is noticed as often

Frame = Status | Comparison


class Turns:
    """One stop flag per visitor. A visitor is a tab: Gradio's session hash."""

    def __init__(self) -> None:
        self._flags: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def begin(self, visitor: str) -> threading.Event:
        """A fresh flag for this visitor; an earlier turn of the same visitor is told to stop."""
        flag = threading.Event()
        with self._lock:
            earlier = self._flags.get(visitor)
            self._flags[visitor] = flag
        if earlier:
            earlier.set()
        return flag

    def stop(self, visitor: str) -> None:
        with self._lock:
            flag = self._flags.get(visitor)
        if flag:
            flag.set()

    def stop_all(self) -> None:
        with self._lock:
            flags = list(self._flags.values())
        for flag in flags:
            flag.set()

    def end(self, visitor: str, flag: threading.Event) -> None:
        """Forget a turn that is over; a later one of the same visitor stays."""
        flag.set()
        with self._lock:
            if self._flags.get(visitor) is flag:
                del self._flags[visitor]

    @property
    def running(self) -> int:
        return len(self._flags)


def frames(studio: Any, question: str, stopped: Callable[[], bool], **wishes: Any) -> Generator[Frame]:
    """What the page is to show while a question is answered: the loading status, then the comparison growing.

    Raises what `studio.ask` raises. Closing the iterator closes the comparison, which keeps what was written.
    """
    snapshots = studio.ask(question, stopped=stopped, **wishes)  # checks the question now, runs nothing yet
    yield from until_loaded(studio, stopped)
    if not stopped():
        yield from paced(snapshots)


def until_loaded(studio: Any, stopped: Callable[[], bool]) -> Iterator[Status]:
    """The status, again and again, until nothing is loading any more (or the visitor has had enough)."""
    while not stopped():
        status = studio.status()
        if status.state in ("ready", "failed"):
            return
        yield status
        time.sleep(LOOK_APART)


def paced(snapshots: Any, apart: float = FRAMES_APART) -> Generator[Comparison]:
    """The snapshots, of those that come too fast only some; a change of state and the end always come through."""
    shown, states = 0.0, None
    with closing(snapshots):
        for snapshot in snapshots:
            now, news = time.monotonic(), tuple(answer.state for answer in snapshot.answers)
            if snapshot.done or news != states or now - shown >= apart:
                yield snapshot
                shown, states = time.monotonic(), news
