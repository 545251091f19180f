"""The nouns of human judgement: what a study asks, what a rater sees, what is kept of a vote."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..errors import RatingError
from ..types import Comparison, comparison_from_json, known, to_json

LETTERS = "ABCD"
TIE, BAD, SKIP = "tie", "bad", "skip"
NOT_ARMS = (TIE, BAD, SKIP, "")
JUDGE = "judge"
"""Marks ratings by an LLM, and is the `auth` of such a rater: they are never counted among people's."""
FLAGS = ("told", "flagged", "gold", "repeat", JUDGE)
RATER_FLAGS = ("told", "flagged")
"""What a rater may add: "I can tell which is which", "something is wrong with this item"."""


FINAL = "This study shows which answer was whose after a vote, so that a vote cannot be changed."


@dataclass(frozen=True)
class Criterion:
    """Something answers are scored on from 1 to 5; `anchors` say in words what the five scores mean."""

    key: str
    label: str
    anchors: tuple[str, str, str, str, str]


CRITERIA = (
    Criterion(
        "correct",
        "Correct",
        ("Wrong throughout", "Mostly wrong", "Half right", "Right but for a detail", "Nothing wrong in it"),
    ),
    Criterion(
        "grounded",
        "Grounded",
        (
            "Contradicts the evidence",
            "Hardly supported by it",
            "About half is supported",
            "All but a detail is supported",
            "The evidence supports every statement",
        ),
    ),
    Criterion(
        "complete",
        "Complete",
        (
            "Answers nothing that was asked",
            "Misses most of it",
            "Answers about half",
            "Misses a detail",
            "Answers everything that was asked",
        ),
    ),
    Criterion(
        "style",
        "Style",
        ("Unreadable", "Hard to read or unfit", "Acceptable", "Good, small flaws", "Just as I would want it written"),
    ),
)


@dataclass(frozen=True)
class Item:
    """One thing to judge: a comparison with an answer of every arm.

    `gold` is the known right choice (an arm, "tie" or "bad") of an attention check; such items never count in the
    ranking. Items of one `group` (default: the item itself) are resampled together, as they are not independent.
    """

    id: str
    comparison: Comparison
    category: str = ""
    gold: str = ""
    group: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(answer.arm for answer in self.comparison.answers)


@dataclass(frozen=True)
class Study:
    """What is judged and how; it never changes once made, only opens and closes (`is_open`).

    Every rater judges a share `overlap` of the items and every gold item; the rest is split among `raters` people, a
    further one starting at the first split again. A share `repeats` of a rater's items comes again at the end of the
    queue, for self-consistency. `kind` is "answers", or "pairs" for imported votes, which cannot be rated further.
    """

    id: str
    title: str
    arms: tuple[str, ...]
    criteria: tuple[Criterion, ...] = CRITERIA
    raters: int = 1
    overlap: float = 0.25
    repeats: float = 0.0
    instructions: str = ""
    consent: str = ""
    show_reference: bool = True
    show_evidence: bool = True
    show_citations: bool = False
    ask_guess: bool = False
    reveal: bool = False
    kind: str = "answers"
    item_set: str = ""
    item_set_sha256: str = ""
    created: str = ""
    is_open: bool = True


@dataclass(frozen=True)
class Rater:
    """Somebody who judges: what they typed or their login (`auth`: "typed" or "login"), and never an address.

    An LLM whose verdicts were imported has the `auth` "judge" and a slot below 0.
    """

    id: str
    slot: int
    auth: str = "typed"
    consented: bool = False
    joined: str = ""


@dataclass(frozen=True)
class Vote:
    """What a page sends; everything is named by letter, because a page knows no arm.

    `choice` is a letter, "tie" or "bad"; `scores` maps letter -> criterion -> 1..5; `confidence` is 1..3 or None;
    `guess` is the letter thought to have had documents ("": none); `seconds` is how long the ballot was in sight.
    """

    choice: str
    scores: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    confidence: int | None = None
    guess: str = ""
    flags: tuple[str, ...] = ()
    note: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Rating:
    """A vote as it is kept: `order` holds the arm at position A, B, ..., and what was chosen is named by arm.

    `choice` is what was pressed (a letter, "tie", "bad" or "skip"), `winner` the arm, "tie", "bad" or "" (skipped).
    `place` is where it stood in the rater's queue; `showing` counts from 0 how often the item was shown before.
    """

    id: str
    study: str
    rater: str
    item: str
    order: tuple[str, ...]
    choice: str
    winner: str
    showing: int = 0
    place: int = 0
    order_seed: int = 0
    scores: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    confidence: int | None = None
    guess: str = ""
    flags: tuple[str, ...] = ()
    note: str = ""
    seconds: float | None = None
    created: str = ""
    updated: str = ""
    edits: int = 0
    undone: bool = False

    @property
    def counts(self) -> bool:
        """Whether it says something about the arms: not undone, not skipped."""
        return not self.undone and bool(self.winner)


@dataclass(frozen=True)
class Evidence:
    """A passage as the one box shared by all answers shows it."""

    title: str
    text: str


@dataclass(frozen=True)
class Ballot:
    """All that a page may hold before the vote: answers by position, nothing that names an arm, model or comparison.

    `place` is the handle to vote with; `vote` is the rater's own earlier vote when the ballot is opened again.
    """

    place: int
    total: int
    question: str
    reference: str
    evidence: tuple[Evidence, ...]
    answers: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    instructions: str
    ask_guess: bool
    vote: Vote | None = None

    @property
    def letters(self) -> str:
        return LETTERS[: len(self.answers)]


@dataclass(frozen=True)
class Progress:
    """How far a rater is; `seconds_left` is the rater's median time times what is left, None before three votes."""

    total: int
    rated: int
    skipped: int
    seconds_left: float | None

    @property
    def left(self) -> int:
        return self.total - self.rated - self.skipped


def clean(text: Any) -> str:
    """`text` as the database and a CSV can hold it: NUL and halves of surrogate pairs become U+FFFD."""
    return "" if text is None else re.sub("[\x00\ud800-\udfff]", "�", str(text))


def arm_name(text: Any) -> str:
    """A usable arm name; RatingError for one that is empty, long, spaced at the ends, unprintable or a choice."""
    name = clean(text)
    if name in NOT_ARMS or len(name) > 100 or name != name.strip() or not name.isprintable():
        raise RatingError(
            f"{name[:40]!r} cannot be the name of an arm: take 1 to 100 printable characters, and none of the words "
            "tie, bad, skip."
        )
    return name


def item_to_json(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "category": item.category,
        "gold": item.gold,
        "group": item.group,
        "comparison": to_json(item.comparison),
    }


def item_from_json(data: Mapping[str, Any]) -> Item:
    return Item(**(known(Item, data) | {"comparison": comparison_from_json(data["comparison"])}))


def study_to_json(study: Study) -> dict[str, Any]:
    """All but `is_open`, which is an event of its own."""
    data = asdict(study)
    del data["is_open"]
    return data


def study_from_json(data: Mapping[str, Any], is_open: bool) -> Study:
    criteria = tuple(Criterion(c["key"], c["label"], tuple(c["anchors"])) for c in data.get("criteria", ()))
    kept = known(Study, data) | {"arms": tuple(data["arms"]), "criteria": criteria, "is_open": is_open}
    return Study(**kept)


def rating_from_json(data: Mapping[str, Any]) -> Rating:
    rating = Rating(**known(Rating, data))
    return replace(rating, order=tuple(rating.order), flags=tuple(rating.flags))
