"""Ratings become the pairs of arena analyses, one per two answers compared, with FastChat's column names, and back."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..types import Answer, Comparison
from .blind import seed_of
from .nouns import BAD, JUDGE, LETTERS, TIE, Item, Rater, Rating, RatingError, Study, arm_name, clean
from .table import Batch, number
from .tallies import preferences

WINNERS = {TIE: "tie", BAD: "tie (bothbad)"}
TEXTS = ("conversation_a", "conversation_b")
COLUMNS = ("question_id", "model_a", "model_b", "winner", "judge", *TEXTS, "turn", "anony", "language", "tstamp")


def pair_rows(batches: Sequence[Batch], texts: bool = True) -> Iterator[dict[str, Any]]:
    """The cleaned battles of FastChat: a rating of three answers with a best one gives two pairs, a tie gives three.

    model_a stood before model_b on the page. Skips, attention checks, second showings and
    an LLM judge's verdicts are left out. `tstamp` is in
    seconds since 1970; None where it is not known.
    """
    for batch in batches:
        items = {item.id: item for item in batch.items}
        for rating in batch.ratings:
            item = items[rating.item]
            if not rating.counts or item.gold or {"repeat", JUDGE} & set(rating.flags):
                continue
            setup = item.comparison.setup
            for a, b, winner in preferences(rating):
                row = {
                    "question_id": setup.get("question_id", item.id),
                    "model_a": a,
                    "model_b": b,
                    "winner": WINNERS.get(winner) or ("model_a" if winner == a else "model_b"),
                    "judge": rating.rater,
                    "conversation_a": conversation(item, a),
                    "conversation_b": conversation(item, b),
                    "turn": setup.get("turn", 1),
                    "anony": setup.get("anony", True),
                    "language": setup.get("language", "unknown"),
                    "tstamp": datetime.fromisoformat(rating.created).timestamp() if rating.created else None,
                }
                yield {name: value for name, value in row.items() if texts or name not in TEXTS}


def conversation(item: Item, arm: str) -> list[dict[str, str]]:
    """Question and answer as chat messages, or the whole conversation that was imported."""
    kept = item.comparison.setup.get("conversations", {}).get(arm)
    if kept is not None:
        return kept
    text = next(answer.text for answer in item.comparison.answers if answer.arm == arm)
    return [{"role": "user", "content": item.comparison.question}, {"role": "assistant", "content": text}]


def as_cells(row: Mapping[str, Any]) -> dict[str, str]:
    """A pair as CSV cells: conversations as JSON, True as true, None as nothing."""
    return {
        name: "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in row.items()
    }


def pairs_batch(read: Sequence[tuple[int, Mapping[str, Any]]], title: str) -> Batch:
    """A closed study of imported pairs; RatingError names the line of a row that is no pair.

    Needed: model_a, model_b, winner; known: question_id, judge, turn, tstamp, language, anony, conversation_a and _b.
    Pairs of one question are one group, so that intervals draw questions. The same file gives the same study id.
    """
    digest = hashlib.sha256(json.dumps([row for _, row in read], sort_keys=True, default=str).encode()).hexdigest()
    study_id = digest[:12]
    items: dict[str, Item] = {}
    raters: dict[str, Rater] = {}
    ratings: list[Rating] = []
    showings: dict[tuple[str, str], int] = {}
    for line, row in read:
        try:
            item, rating = pair(study_id, line, row)
        except (ValueError, KeyError, TypeError, OverflowError, OSError) as error:
            raise RatingError(f"Line {line}: this is not a pair ({error!r}).") from error
        items.setdefault(item.id, item)
        key = rating.rater, rating.item
        showings[key] = showings.get(key, -1) + 1
        raters.setdefault(rating.rater, Rater(rating.rater, len(raters), "imported"))
        ratings.append(numbered(rating, len(ratings), showings[key]))
    study = Study(
        id=study_id,
        title=clean(title),
        arms=tuple(dict.fromkeys(arm for item in items.values() for arm in item.arms)),
        criteria=(),
        kind="pairs",
        item_set=clean(title),
        item_set_sha256=digest,
        created=min((rating.created for rating in ratings), default=""),
        is_open=False,
    )
    return Batch(study, tuple(items.values()), tuple(raters.values()), tuple(ratings))


def pair(study_id: str, line: int, row: Mapping[str, Any]) -> tuple[Item, Rating]:
    """The item and the rating of one row."""
    a, b, said = arm_name(row["model_a"]), arm_name(row["model_b"]), str(row["winner"])
    choice = {"model_a": "A", "model_b": "B", WINNERS[BAD]: BAD}.get(said) or (TIE if said.startswith("tie") else "")
    if a == b or not choice:
        raise RatingError(f"Line {line}: {a[:40]!r} against {b[:40]!r} with winner {said[:40]!r} is not a pair.")
    setup: dict[str, Any] = {"question_id": typed(row.get("question_id", line)), "turn": typed(row.get("turn", 1))}
    setup |= {"anony": typed(row.get("anony", True)), "language": clean(row.get("language", "unknown"))}
    talks = {arm: talk(row.get(name)) for arm, name in zip((a, b), TEXTS, strict=True)}
    if all(talks.values()):
        setup["conversations"] = talks
    question = next((m["content"] for m in talks[a] or () if m.get("role") == "user"), "")
    answers = tuple(Answer(arm, (talks[arm] or [{"content": ""}])[-1]["content"], "done") for arm in sorted((a, b)))
    group = clean(setup["question_id"])
    id = json.dumps([group, *sorted((a, b)), setup["turn"]], ensure_ascii=False)
    judge = row.get("judge", "")
    judge = clean(judge if isinstance(judge, str) else json.dumps(judge)) or "unknown"
    stamp = row.get("tstamp")
    at = "" if stamp in (None, "") else datetime.fromtimestamp(float(stamp), UTC).isoformat()
    winner = dict(zip(LETTERS, (a, b), strict=False)).get(choice, choice)
    rating = Rating("", study_id, judge, id, (a, b), choice, winner, created=at, updated=at)
    return Item(id, Comparison(id, question, answers, setup), group=group), rating


def numbered(rating: Rating, place: int, showing: int) -> Rating:
    """The rating with an id of its own; a judge may have seen the same pair several times."""
    id = f"{seed_of(rating.study, rating.rater, rating.item, showing):016x}"
    return replace(rating, id=id, place=place, showing=showing)


def talk(value: Any) -> list[dict[str, str]] | None:
    """A conversation as it stands in JSON, or as JSON text in a CSV cell; None where there is none."""
    if isinstance(value, str):
        value = json.loads(value) if value else None
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(m, dict) and isinstance(m.get("content"), str) for m in value):
        raise ValueError("a conversation is a list of {role, content}")
    return [{"role": clean(m.get("role", "")), "content": clean(m["content"])} for m in value] or None


def typed(value: Any) -> Any:
    """What a CSV cell says, true and numbers as such."""
    if not isinstance(value, str):
        return value
    return {"true": True, "false": False, "True": True, "False": False}.get(value, number(value))
