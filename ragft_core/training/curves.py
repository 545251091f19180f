"""A run's events become curves, read on from where the last look ended, and thinned to what a screen can show."""

import json
import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

POINTS = 240  # of one line; more cannot be told apart at the width of a page
REMEMBERED = 8  # runs whose events are kept in memory between two looks
FIGURES = {"loss": "loss", "lr": "learning_rate", "grad_norm": "grad_norm", "tokens_per_second": "speed"}

Points = list[tuple[int, float]]


@dataclass
class Curves:
    """(step, value) by figure: training loss, learning rate, gradient norm, tokens per second; and the evaluations.

    `loss`, `learning_rate`, `grad_norm` and `speed` have one point per step; `validation` one per evaluation, whose
    events (with their sample answers) are in `evaluations`, the latest last.
    """

    loss: Points = field(default_factory=list)
    learning_rate: Points = field(default_factory=list)
    grad_norm: Points = field(default_factory=list)
    speed: Points = field(default_factory=list)
    validation: Points = field(default_factory=list)
    evaluations: list[dict[str, Any]] = field(default_factory=list)

    def take(self, event: dict[str, Any]) -> None:
        """Add an event; one without a step or with a value that is no number is passed over."""
        step, kind = event.get("step"), event.get("kind")
        if not isinstance(step, int):
            return
        if kind == "step":
            for name, figure in FIGURES.items():
                if isinstance(event.get(name), int | float):
                    getattr(self, figure).append((step, float(event[name])))
        elif kind == "evaluation" and isinstance(event.get("loss"), int | float):
            self.validation.append((step, float(event["loss"])))
            self.evaluations.append(event)

    @property
    def best_step(self) -> int | None:
        """The step of the evaluation that was best so far; None before the first one after a step."""
        found = [step for step, _ in sorted(self.validation, key=lambda point: point[1])]
        return found[0] if found and found[0] else None

    @property
    def size(self) -> tuple[int, int]:
        """(steps, evaluations) seen: what tells a look with news from one without."""
        return len(self.loss), len(self.evaluations)


@dataclass
class _Place:
    inode: int
    offset: int = 0
    curves: Curves = field(default_factory=Curves)


class CurveReader:
    """Curves of runs by folder. A file that was replaced (a resumed run drops lost steps) is read anew."""

    def __init__(self) -> None:
        self._places: OrderedDict[Path, _Place] = OrderedDict()
        self._lock = Lock()

    def read(self, folder: Path) -> Curves:
        """The curves of a run as its events are now; empty before the first one."""
        with self._lock:
            try:
                with (folder / "events.jsonl").open("rb") as file:
                    return self._read_on(folder, file)
            except OSError:
                self._places.pop(folder, None)
                return Curves()

    def _read_on(self, folder: Path, file: Any) -> Curves:
        facts = os.fstat(file.fileno())
        place = self._places.get(folder)
        if place is None or place.inode != facts.st_ino or place.offset > facts.st_size:
            place = self._places[folder] = _Place(facts.st_ino)
        self._places.move_to_end(folder)
        while len(self._places) > REMEMBERED:
            self._places.popitem(last=False)
        file.seek(place.offset)
        whole, mark, _ = file.read().rpartition(b"\n")  # a line that is being written waits for the next look
        place.offset += len(whole) + len(mark)
        for line in whole.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                place.curves.take(event)
        return place.curves


def thinned(points: Sequence[tuple[int, float]], most: int = POINTS) -> Points:
    """At most so many points: the means of neighbours, the last point as it is."""
    if len(points) <= most:
        return list(points)
    size = -(-len(points) // (most - 1))
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    means = [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]
    return [*means[:-1], points[-1]]
