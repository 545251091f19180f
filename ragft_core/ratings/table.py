"""Ratings become the rows of the CSV, one per rater and item with all that is needed to analyse them, and back."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from ..types import Answer, Comparison
from .nouns import (
    BAD,
    CRITERIA,
    LETTERS,
    SKIP,
    TIE,
    Criterion,
    Item,
    Rater,
    Rating,
    RatingError,
    Study,
    arm_name,
)

SCHEMA_VERSION = "1"
WHO = ("schema_version", "rating_id", "created_at", "updated_at", "edits", "rater_id", "rater_auth", "study_id")
WHAT = ("item_id", "item_set", "item_set_sha256", "item_order", "category", "question", "reference", "run_id")
SETUP = {  # column: what a comparison's setup calls it
    "app_version": "app_version",
    "base_model": "base_model",
    "base_revision": "base_revision",
    "quantization": "precision",
    "adapter_id": "adapter",
    "adapter_sha256": "adapter_sha256",
    "index_id": "index_id",
    "embed_model": "embedding_model",
    "top_k": "top_k",
    "temperature": "temperature",
    "max_new_tokens": "max_new_tokens",
    "seed": "seed",
}
HOW = ("blind", "citations_shown", "order_seed", "position_1", "position_2", "position_3")
SAID = ("choice", "winner", "confidence", "guessed_system", "flags", "note", "seconds_visible")
OF_ANSWER = ("answer_sha256", "answer", "ttft_s", "total_s", "tokens")


@dataclass(frozen=True)
class Batch:
    """A study with its items, raters and current ratings, as it leaves or enters."""

    study: Study
    items: tuple[Item, ...]
    raters: tuple[Rater, ...]
    ratings: tuple[Rating, ...]


def columns(studies: Sequence[Study]) -> list[str]:
    """The header for these studies: a fourth position where four are shown, and a block of columns for every arm."""
    four = any(study.kind == "answers" and len(study.arms) > 3 for study in studies)
    header = [*WHO, *WHAT, "config_sha256", *SETUP, *HOW, *(["position_4"] if four else []), *SAID]
    blocks: dict[str, dict[str, None]] = {}
    for study in studies:
        for arm in study.arms:
            blocks.setdefault(arm, {}).update(dict.fromkeys(criterion.key for criterion in study.criteria))
    return header + [f"{arm}_{name}" for arm, keys in blocks.items() for name in (*keys, *OF_ANSWER)]


def rows(batches: Sequence[Batch], texts: bool = True) -> Iterator[dict[str, str]]:
    """A row per current rating, skips included; without `texts`, no question, reference, answer or note."""
    for batch in batches:
        items = {item.id: item for item in batch.items}
        auth = {rater.id: rater.auth for rater in batch.raters}
        for rating in batch.ratings:
            yield row(batch.study, items[rating.item], rating, auth.get(rating.rater, ""), texts)


def row(study: Study, item: Item, rating: Rating, auth: str, texts: bool) -> dict[str, str]:
    comparison = item.comparison
    setup = comparison.setup
    flags = [*rating.flags, *(["gold=" + quote(item.gold, safe="")] if item.gold else [])]
    cells: dict[str, Any] = dict(
        zip(
            (*WHO, *WHAT),
            (
                *(
                    SCHEMA_VERSION,
                    rating.id,
                    rating.created,
                    rating.updated,
                    rating.edits,
                    rating.rater,
                    auth,
                    study.id,
                ),
                *(item.id, study.item_set, study.item_set_sha256, rating.place + 1, item.category),
                *((comparison.question, comparison.reference or "") if texts else ("", "")),
                comparison.id,
            ),
            strict=True,
        )
    )
    cells["config_sha256"] = setup.get("config_sha256") or config_sha256(setup)
    cells |= {column: setup.get(key) for column, key in SETUP.items()}
    cells |= {"blind": "true", "citations_shown": "true" if study.show_citations else "false"}
    cells |= {"order_seed": rating.order_seed}
    cells |= {f"position_{n}": arm for n, arm in enumerate(rating.order, 1)}
    note = rating.note if texts else ""
    said = (rating.choice, rating.winner, rating.confidence, rating.guess, " ".join(flags), note, rating.seconds)
    cells |= dict(zip(SAID, said, strict=True))
    for answer in comparison.answers:
        kept = setup.get("answer_sha256", {}).get(answer.arm)
        digest = kept or hashlib.sha256(answer.text.encode("utf-8", "replace")).hexdigest()
        timing = (answer.first_token_seconds, answer.seconds or None, answer.tokens or None)
        of_answer = dict(zip(OF_ANSWER, (digest, answer.text if texts else "", *timing), strict=True))
        cells |= {f"{answer.arm}_{name}": value for name, value in of_answer.items()}
        cells |= {f"{answer.arm}_{key}": score for key, score in rating.scores.get(answer.arm, {}).items()}
    return {column: "" if value is None else str(value) for column, value in cells.items()}


def config_sha256(setup: Mapping[str, Any]) -> str:
    """A digest of all that is needed to repeat a comparison; empty where nothing is known."""
    if not setup:
        return ""
    return hashlib.sha256(json.dumps(setup, sort_keys=True, default=str).encode()).hexdigest()


def batches(read: Sequence[tuple[int, Mapping[str, str]]]) -> list[Batch]:
    """The inverse of `rows`; RatingError names the line of what is not as we write it.

    What the CSV does not hold comes back empty: passages, anchors and the instructions of the study (JSONL has all).
    """
    header = list(read[0][1])
    missing = [name for name in (*WHO, *WHAT, *HOW, *SAID) if name not in header]
    if missing:
        raise RatingError(f"This file of ratings lacks the columns {', '.join(missing)}.")
    names = [name.removesuffix("_answer_sha256") for name in header if name.endswith("_answer_sha256")]
    grouped: dict[str, list[tuple[int, Mapping[str, str]]]] = {}
    for line, cells in read:
        grouped.setdefault(cells["study_id"], []).append((line, cells))
    return [batch([arm_name(name) for name in names], header, of_study) for of_study in grouped.values()]


def batch(names: Sequence[str], header: Sequence[str], read: Sequence[tuple[int, Mapping[str, str]]]) -> Batch:
    first = read[0][1]
    used = {cells.get(f"position_{n}") for _, cells in read for n in range(1, 5)}
    arms = tuple(name for name in names if name in used)
    keys = [
        name.removeprefix(arm + "_")
        for arm in arms[:1]
        for name in header[header.index(SAID[-1]) + 1 :]
        if name.startswith(arm + "_") and name.removeprefix(arm + "_") not in OF_ANSWER
    ]
    keys = [key for key in keys if all(f"{arm}_{key}" in header for arm in arms)]
    known = {criterion.key: criterion for criterion in CRITERIA}
    fewer = any(sum(bool(cells.get(f"position_{n}")) for n in range(1, 5)) < len(arms) for _, cells in read)
    study = Study(
        id=first["study_id"],
        title=first["item_set"],
        arms=arms,
        criteria=tuple(known.get(key) or Criterion(key, key.capitalize(), ("",) * 5) for key in keys),
        show_citations=first["citations_shown"] == "true",
        kind="pairs" if fewer else "answers",
        item_set=first["item_set"],
        item_set_sha256=first["item_set_sha256"],
        created=min(cells["created_at"] for _, cells in read),
        is_open=False,
    )
    items: dict[str, Item] = {}
    raters: dict[str, Rater] = {}
    ratings: list[Rating] = []
    showings: dict[tuple[str, str], int] = {}
    for line, cells in read:
        try:
            items.setdefault(cells["item_id"], item(cells, arms))
            rating = rating_of(study, cells)
        except (ValueError, KeyError, IndexError, OverflowError) as error:
            raise RatingError(f"Line {line}: this is not a rating as RAGFT writes it ({error}).") from error
        raters.setdefault(rating.rater, Rater(rating.rater, len(raters), cells["rater_auth"]))
        if "repeat" in rating.flags:  # may stand before the first showing, if that was edited later
            ratings.append(replace(rating, showing=1))
            continue
        key = rating.rater, rating.item
        showings[key] = showings.get(key, -1) + 1
        ratings.append(replace(rating, showing=showings[key]))
    return Batch(study, tuple(items.values()), tuple(raters.values()), tuple(ratings))


def item(cells: Mapping[str, str], arms: Sequence[str]) -> Item:
    gold = [unquote(flag.removeprefix("gold=")) for flag in cells["flags"].split() if flag.startswith("gold=")]
    setup: dict[str, Any] = {key: number(cells.get(column, "")) for column, key in SETUP.items() if cells.get(column)}
    if cells.get("config_sha256"):
        setup["config_sha256"] = cells["config_sha256"]
    setup["answer_sha256"] = {arm: cells[f"{arm}_answer_sha256"] for arm in arms if cells[f"{arm}_answer_sha256"]}
    answers = []
    for arm in setup["answer_sha256"]:
        first, total, tokens = (cells.get(f"{arm}_{name}", "") for name in OF_ANSWER[2:])
        answers.append(
            Answer(
                arm,
                cells.get(f"{arm}_answer", ""),
                "done",
                first_token_seconds=float(first) if first else None,
                seconds=float(total) if total else 0.0,
                tokens=int(tokens) if tokens else 0,
            )
        )
    comparison = Comparison(cells["run_id"], cells["question"], tuple(answers), setup, cells["reference"] or None)
    return Item(cells["item_id"], comparison, cells["category"], "".join(gold[:1]))


def rating_of(study: Study, cells: Mapping[str, str]) -> Rating:
    order = tuple(arm for n in range(1, 5) if (arm := cells.get(f"position_{n}", "")))
    choice, winner = cells["choice"], cells["winner"]
    right = {TIE: TIE, BAD: BAD, SKIP: ""} | dict(zip(LETTERS, order, strict=False))
    if (
        choice not in right
        or right[choice] != winner
        or len(set(order)) != len(order)
        or not set(order) <= set(study.arms)
    ):
        raise ValueError(f"choice {choice[:20]!r} and winner {winner[:20]!r} do not fit the positions")
    keys = [criterion.key for criterion in study.criteria]
    scores = {arm: {key: int(cells[f"{arm}_{key}"]) for key in keys if cells.get(f"{arm}_{key}")} for arm in order}
    return Rating(
        id=cells["rating_id"],
        study=study.id,
        rater=cells["rater_id"],
        item=cells["item_id"],
        order=order,
        choice=choice,
        winner=winner,
        place=int(cells["item_order"]) - 1,
        order_seed=int(cells["order_seed"]),
        scores={arm: given for arm, given in scores.items() if given},
        confidence=int(cells["confidence"]) if cells["confidence"] else None,
        guess=cells["guessed_system"],
        flags=tuple(flag for flag in cells["flags"].split() if not flag.startswith("gold=")),
        note=cells["note"],
        seconds=float(cells["seconds_visible"]) if cells["seconds_visible"] else None,
        created=cells["created_at"],
        updated=cells["updated_at"],
        edits=int(cells["edits"]),
    )


def number(cell: str) -> Any:
    """The number that is written exactly like this, or else the text."""
    for kind in (int, float):
        try:
            value = kind(cell)
        except (ValueError, OverflowError):
            continue
        if str(value) == cell and cell not in ("nan", "inf", "-inf"):
            return value
    return cell
