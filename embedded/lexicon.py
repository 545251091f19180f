"""Word and phrase lists of the generators, read from the text file beside this module."""

from __future__ import annotations

import re
from pathlib import Path

SOURCE = Path(__file__).with_name("lexicon.txt")


def read(path: Path = SOURCE) -> dict[str, list[str]]:
    """Sections by name; `one a line` sections hold phrases, the others words."""
    lists: dict[str, list[str]] = {}
    for name, lines, body in re.findall(r"^\[(\w+)(; one a line)?\]\n((?:.+\n)+)", path.read_text("utf-8"), re.M):
        lists[name] = body.strip().split("\n") if lines else body.split()
    return lists


_lists = read()
NOUNS = _lists["nouns"]
ADJECTIVES = _lists["adjectives"]
VERBS: list[tuple[str, str]] = [(v.split(":")[0], v.split(":")[1]) for v in _lists["verbs"]]
FIRST_NAMES = _lists["first_names"]
LAST_NAMES = _lists["last_names"]
CITIES = _lists["cities"]
COUNTRIES = _lists["countries"]
PRODUCT_NOUNS = _lists["product_nouns"]
TROUBLES = _lists["troubles"]
ADVICE = _lists["advice"]
TASKS = _lists["tasks"]
REASONS = _lists["reasons"]
FILLERS = _lists["fillers"]
MONTHS = _lists["months"]
DAYS = _lists["days"]
SMALL_NUMBERS = _lists["small_numbers"]
TEAM_WORDS = _lists["team_words"]
COMPANY_WORDS = _lists["company_words"]


def words(name: str) -> list[str]:
    """One of the smaller lists by its section name."""
    return _lists[name]
