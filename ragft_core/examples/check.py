"""A file of examples becomes a report fit for page and command line, and on wish a clean copy of the file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from ..home import write_atomically
from .leaks import in_index
from .lessons import RECIPES, Lesson, Recipe, closed_book, epoch_lessons
from .lint import KINDS, clean, lint
from .passages import Search, with_passages
from .read import Reading, read
from .rows import Example, Problem
from .split import Split, split
from .tokens import LessonCoder


@dataclass(frozen=True)
class Check:
    """What a file holds, what is wrong with it, and how it would be split; blocking problems stop training."""

    path: Path
    reading: Reading
    problems: tuple[Problem, ...]
    split: Split

    @property
    def blocking(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.blocking)

    def to_json(self) -> dict[str, Any]:
        """The contract's JSON of `check`."""
        counts = self.split.counts() if self.reading.kind == "training" else dict.fromkeys(self.split.counts(), 0)
        return {
            "rows": len(self.reading.rows),
            "kind": self.reading.kind,
            "problems": [asdict(problem) for problem in self.problems],
            "split": counts,
            "split_how": self.split.how,
            "columns": list(self.reading.columns),
            "mapping": dict(self.reading.mapping or {}),
        }

    def refuse(self) -> None:
        """DatasetError that names the kinds and first lines of what is blocking; nothing when nothing is."""
        kinds: dict[str, list[int]] = {}
        for problem in self.blocking:
            kinds.setdefault(problem.kind, []).append(problem.line)
        if not kinds:
            return
        faults = "; ".join(
            f"{kind} ({KINDS[kind]}): line{'s' * (len(lines) > 1)} {', '.join(map(str, lines[:5]))}"
            f"{f' and {len(lines) - 5} more' * (len(lines) > 5)}"
            for kind, lines in kinds.items()
        )
        raise DatasetError(
            f"{self.path.name} must not be trained on as it is: {faults}. Mend these rows, or take the clean copy."
        )


def check(
    path: str | Path,
    *,
    mapping: Mapping[str, str] | None = None,
    tokenizer: Any = None,
    window: int = 0,
    others: Sequence[str | Path] = (),
    search: Search | None = None,
    seed: int = 0,
    by: str = "auto",
) -> Check:
    """Read, lint and split a file; with a tokenizer and its window also what is too long, with `others` leakage.

    With `search` rows are also looked for in the index: a document that holds questions with their answers would
    give them away. DatasetError when nothing of the file can be read.
    """
    path = Path(path)
    reading = read(path, mapping)
    coder = LessonCoder(tokenizer) if tokenizer is not None else None
    sets = {Path(other).name: read(other).rows for other in others}

    def count(row: Example) -> int:
        assert coder is not None
        return coder.encode(closed_book(row)).length

    problems = lint(reading, count if coder else None, window, sets)
    if search is not None:
        problems = sorted([*problems, *in_index(reading.rows, search)], key=lambda problem: problem.line)
    whole = [row for row in reading.rows if row.question and row.answer]
    return Check(path, reading, tuple(problems), split(whole, seed=seed, by=by) if whole else Split((), (), (), ""))


def clean_copy(checked: Check, target: str | Path) -> dict[str, list[int]]:
    """Write the rows that can be trained on as JSONL; returns the dropped lines by kind of problem."""
    rows, dropped = clean(checked.reading, checked.problems)
    if not rows:
        raise DatasetError(f"Nothing of {checked.path.name} would be left. Mend its rows.")
    lines = []
    for row in rows:
        data = row.to_json()
        data.pop("line", None)
        if turns := data.pop("turns", None):
            said = [{"role": "user", "content": row.question}, {"role": "assistant", "content": row.answer}]
            data = {key: data[key] for key in ("id", "group") if key in data} | {"messages": [*turns, *said]}
        lines.append(json.dumps(data, ensure_ascii=False))
    write_atomically(Path(target), "\n".join(lines) + "\n")
    return dropped


def preview(
    rows: Sequence[Example],
    recipe: str | Recipe = "sft",
    *,
    search: Search | None = None,
    coder: LessonCoder | None = None,
    seed: int = 0,
    limit: int = 20,
) -> list[dict[str, Any]]:
    """The lessons of the first rows as the first epoch shows them; with a coder also their tokens and loss.

    Golden passages and negatives are looked for among all rows, as a run would.
    """
    recipe = RECIPES[recipe] if isinstance(recipe, str) else recipe
    made = with_passages(rows, search, seed) if recipe.passages else list(rows)
    lessons = epoch_lessons(made, recipe, seed, 0)[:limit]
    return [shown(lesson) | (coder.preview(lesson) if coder else {}) for lesson in lessons]


def shown(lesson: Lesson) -> dict[str, Any]:
    """A lesson as plain data."""
    return {
        "id": lesson.id,
        "kind": lesson.kind,
        "messages": [dict(m) for m in lesson.messages],
        "answer": lesson.answer,
    }
