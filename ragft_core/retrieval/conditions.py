"""Conditions such as `source=handbook/*` or `date>=2025-01-01` become a choice among passages.

The fields of a passage are those of its document (source, title, added), its page, and every `name: value` line of
its own text or of the document's beginning: a table's row has one such line per column, a Markdown file may begin so.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from ..errors import QuestionError
from ..searches import CONDITION

LINE = re.compile(r"^[ \t>*-]{0,4}([\w][\w .-]{0,40}?)[ \t]*:[ \t]+(\S.*)$", re.MULTILINE)
DATE = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?")
YEAR = re.compile(r"\b(1[89]|20|21)\d\d\b")

Fields = Mapping[str, str]


def fields(text: str) -> dict[str, str]:
    """The `name: value` lines of a text; of a repeated name the first one counts. Names ignore case."""
    found: dict[str, str] = {}
    for match in LINE.finditer(text):
        found.setdefault(match[1].casefold(), match[2].strip())
    return found


def fulfils(conditions: Sequence[str]) -> Callable[[Fields], bool]:
    """The test of all conditions together; QuestionError names one that cannot be read."""
    parsed = [_parsed(condition) for condition in conditions]
    return lambda of: all(_holds(of.get(name), sign, value) for name, sign, value in parsed)


def _parsed(condition: str) -> tuple[str, str, str]:
    match = CONDITION.fullmatch(condition)
    if match is None or not match[3]:
        raise QuestionError(
            f"The condition {condition[:80]!r} cannot be read; write it like source=handbook/* or date>=2025-01-01."
        )
    return match[1].casefold(), match[2], match[3].casefold()


def _holds(value: str | None, sign: str, wanted: str) -> bool:
    if value is None:
        return sign == "!="
    value = value.casefold()
    if sign in ("=", "!="):
        return fnmatchcase(value, wanted) == (sign == "=")
    try:
        here, there = float(value.replace(",", "")), float(wanted.replace(",", ""))
    except ValueError:
        return value >= wanted if sign == ">=" else value[: len(wanted)] <= wanted
    return here >= there if sign == ">=" else here <= there


def date_of(value: str | None) -> datetime | None:
    """The first date in a text: 2025-03-01, 2025-03, or a year; None if there is none."""
    if not value:
        return None
    match = DATE.search(value)
    if match:
        try:
            return datetime(int(match[1]), int(match[2]), int(match[3] or 1))
        except ValueError:
            return None
    year = YEAR.search(value)
    return datetime(int(year[0]), 1, 1) if year else None


def fresh(dates: Mapping[str, datetime | None], half_life: float, now: datetime | None = None) -> dict[str, float]:
    """{id: weight from 1 (dated at the newest one) down to 1/2 (old or without a date)}, halving in `half_life` days.

    Ages count from the newest passage at hand, so that a body of old documents is ranked like a new one.
    """
    known: Iterable[datetime] = [date for date in dates.values() if date]
    newest = now or max(known, default=None)
    weights = {}
    for key, date in dates.items():
        age = max(0.0, (newest - date).total_seconds() / 86400) if newest and date else float("inf")
        weights[key] = 0.5 + 0.5 * 0.5 ** (age / half_life)
    return weights
