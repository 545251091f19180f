"""The nouns of a training file: an example, and a problem found in it."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..types import Message, known

WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Example:
    """One row: a question, its answer, and the passages that hold the answer (golden), if given.

    `turns` are the messages before the question of a chat row; `negatives` are passages that look right and
    are not (hard negatives), `value` and `others` the words of the answer that a counterfactual replaces, `subject`
    the words that tell what the row is about. A row for `rehearsal` is about something else and keeps up what the model
    could before: recipes with passages show it with its own, and none shows it without.
    """

    question: str
    answer: str
    context: tuple[str, ...] = ()
    id: str = ""
    group: str = ""
    line: int = 0
    turns: tuple[Message, ...] = ()
    negatives: tuple[str, ...] = ()
    value: str = ""
    others: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    rehearsal: bool = False

    def to_json(self) -> dict[str, Any]:
        """The row in the contract's format; what is empty is left out."""
        return {key: value for key, value in asdict(self).items() if value not in ("", (), 0)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Example":
        """The inverse of `to_json`."""
        kept = known(cls, data)
        plain: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in kept.items()}
        return cls(**plain)


@dataclass(frozen=True)
class Problem:
    """A fault of the row at `line` (0: of the whole file); a blocking one must be mended before training."""

    line: int
    kind: str
    message: str
    blocking: bool = False


def plain(text: str) -> str:
    """The text as comparisons see it: lower case, words only."""
    return " ".join(WORD.findall(text.casefold()))


def data_sha256(rows: Iterable[Example]) -> str:
    """Hash of the rows as they are trained on."""
    lines = "\n".join(json.dumps(row.to_json(), ensure_ascii=True, sort_keys=True) for row in rows)
    return hashlib.sha256(lines.encode()).hexdigest()
