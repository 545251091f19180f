"""Saved comparisons, or a file of answers made elsewhere, become the items of a study and what was left out of it."""

import csv
import hashlib
import io
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..types import Answer, Comparison, Passage
from .nouns import BAD, TIE, Criterion, Item, RatingError, Study, arm_name, clean, item_to_json

MOST_ROWS = 100_000
csv.field_size_limit(2**31 - 1)  # the default refuses an answer of 131,073 characters, also one we wrote


def study_of(title: str, items: Sequence[Item], created: str, **options: Any) -> Study:
    """A study of these items; RatingError for anything in it that could not be judged or exported."""
    arms = tuple(dict.fromkeys(arm for item in items for arm in item.arms))
    digest = hashlib.sha256(json.dumps([item_to_json(item) for item in items], sort_keys=True).encode()).hexdigest()
    named = {"item_set": clean(title), "item_set_sha256": digest, "created": created}
    study = Study(uuid.uuid4().hex[:12], clean(title), arms, **(named | options))
    check(study, items)
    return study


def check(study: Study, items: Sequence[Item]) -> None:
    """RatingError unless every part of the study is within its limits and fits the others."""
    if not items:
        raise RatingError("There is nothing to judge: no item has a finished answer of every arm.")
    if study.kind == "answers" and not 2 <= len(study.arms) <= 4:
        raise RatingError(f"A study compares 2 to 4 arms, not {len(study.arms)}: {', '.join(study.arms)[:80]}.")
    if study.kind == "answers" and any(sorted(item.arms) != sorted(study.arms) for item in items):
        raise RatingError("Every item of a study needs an answer of the same arms.")
    if not 1 <= study.raters <= 1000 or not 0 <= study.overlap <= 1 or not 0 <= study.repeats <= 0.5:
        raise RatingError("raters must be 1 to 1000, overlap 0 to 1, and repeats 0 to 0.5.")
    if len({item.id for item in items}) < len(items):
        raise RatingError("Two items have the same id.")
    for item in items:
        if item.gold and item.gold not in (*item.arms, TIE, BAD):
            raise RatingError(f"The gold choice {item.gold[:40]!r} of item {item.id[:40]!r} is no arm, tie or bad.")
    check_criteria(study.criteria)
    from .table import columns

    header = columns([study])
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise RatingError(f"Arms and criteria give two columns of the CSV the name {twice[0]!r}; rename one.")


def check_criteria(criteria: Sequence[Criterion]) -> None:
    for criterion in criteria:
        plain = criterion.key.replace("_", "a").isalnum() and criterion.key.isascii() and criterion.key.islower()
        if not plain or len(criterion.key) > 30 or len(criterion.anchors) != 5:
            raise RatingError(
                f"The criterion {criterion.key[:40]!r} needs five anchors and a key of small letters, digits and _."
            )


def items_from_comparisons(
    comparisons: Iterable[Comparison], arms: Sequence[str] = (), categories: Mapping[str, str] | None = None
) -> tuple[list[Item], dict[str, str]]:
    """(items, {comparison id: why it was left out}).

    `arms` chooses the arms (default: those of the first comparison); a comparison in which one of them failed, was
    stopped or is missing cannot be judged fairly and is left out.
    """
    items, left_out = [], {}
    for comparison in comparisons:
        arms = tuple(arms) or tuple(answer.arm for answer in comparison.answers)
        answers = {answer.arm: answer for answer in comparison.answers if answer.arm in arms}
        missing = [arm for arm in arms if arm not in answers or answers[arm].state != "done" or not answers[arm].text]
        if missing:
            left_out[comparison.id] = f"no finished answer of {', '.join(missing)}"
            continue
        kept = replace(comparison, answers=tuple(cleaned(answers[arm]) for arm in arms))
        items.append(Item(comparison.id, kept, (categories or {}).get(comparison.id, "")))
    return items, left_out


def cleaned(answer: Answer) -> Answer:
    """The answer without its prompt, which is long, names the arm and is not judged."""
    return replace(answer, text=clean(answer.text), prompt="", arm=arm_name(answer.arm))


def items_from_rows(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> tuple[list[Item], dict[str, str]]:
    """(items, {item id: why it was left out}) of rows (line, {question, arm, answer, ...}) made elsewhere.

    Optional: `id` (else the question groups the answers), `reference`, `category`, `gold`, `context` (a text or a list
    of texts that the arm had read). An item that lacks an arm which others have is left out, and said so.
    """
    grouped: dict[str, dict[str, tuple[int, Mapping[str, Any]]]] = {}
    for line, row in rows:
        for name in ("question", "arm", "answer"):
            if not str(row.get(name) or "").strip():
                raise RatingError(f"Line {line}: {name} is missing; every line needs question, arm and answer.")
        arm, key = arm_name(row["arm"]), clean(row.get("id") or row["question"])
        answers = grouped.setdefault(key, {})
        if arm in answers:
            raise RatingError(f"Line {line}: a second answer of {arm!r} to the item of line {answers[arm][0]}.")
        answers[arm] = line, row
    arms = tuple(dict.fromkeys(arm for answers in grouped.values() for arm in answers))
    items, left_out = [], {}
    for key, answers in grouped.items():
        missing = [arm for arm in arms if arm not in answers]
        if missing:
            left_out[key] = f"no answer of {', '.join(missing)}"
            continue
        items.append(item_of(key, [(arm, answers[arm][1]) for arm in arms]))
    return items, left_out


def item_of(key: str, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> Item:
    """One item of an arm's rows; its id is the given one when that is short, else a digest of it."""
    id = key if len(key) <= 64 and key.isprintable() else hashlib.sha256(key.encode()).hexdigest()[:16]
    given = {name: value for _, row in reversed(rows) for name, value in row.items() if value not in ("", None)}
    answers = tuple(
        Answer(arm, clean(row["answer"]), "done", tuple(passages(row.get("context"), id))) for arm, row in rows
    )
    comparison = Comparison(id, clean(given["question"]), answers, {}, clean(given.get("reference", "")) or None)
    return Item(id, comparison, clean(given.get("category", "")), clean(given.get("gold", "")))


def passages(context: Any, id: str) -> list[Passage]:
    texts = [context] if isinstance(context, str) else context if isinstance(context, list) else []
    return [Passage(f"{id}-{n}", clean(text), f"passage {n}", 0.0) for n, text in enumerate(texts, 1) if text]


def read_rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """(line, row) of a CSV with a header, or of a file with one JSON object a line; RatingError names the line."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RatingError(f"{path} cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise RatingError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8.") from error
    rows = json_rows(text) if Path(path).suffix.lower() in (".jsonl", ".json", ".ndjson") else csv_rows(text)
    if len(rows) > MOST_ROWS:
        raise RatingError(f"{path} has {len(rows):,} rows; at most {MOST_ROWS:,} are taken. Split it.")
    if not rows:
        raise RatingError(f"{path} holds no rows.")
    return rows


def json_rows(text: str) -> list[tuple[int, dict[str, Any]]]:
    """One object a line, or (FastChat's own files) one list of objects; line numbers count objects then."""
    if text.lstrip().startswith("["):
        try:
            found = list(enumerate(json.loads(text), 1))
        except (ValueError, RecursionError) as error:
            raise RatingError(f"This is not readable JSON: {error}.") from error
    else:
        found = []
        for line, part in enumerate(text.split("\n"), 1):
            if not part.strip():
                continue
            try:
                found.append((line, json.loads(part)))
            except (ValueError, RecursionError) as error:
                raise RatingError(f"Line {line} is not one JSON object: {error}.") from error
    for line, row in found:
        if not isinstance(row, dict):
            raise RatingError(f"Line {line} is not a JSON object.")
    return found


def csv_rows(text: str) -> list[tuple[int, dict[str, Any]]]:
    """Rows by header; a row of another length, or a header with the same name twice, is refused by its line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, dict[str, Any]]] = []
    try:
        header = next(reader, [])
        if len(set(header)) < len(header):
            raise RatingError("Line 1: two columns have the same name.")
        for row in reader:
            if len(row) not in (0, len(header)):
                raise RatingError(f"Line {reader.line_num}: {len(row)} cells under a header of {len(header)}.")
            if row:
                rows.append((reader.line_num, dict(zip(header, row, strict=True))))
    except csv.Error as error:
        raise RatingError(f"Line {reader.line_num} is not readable CSV: {error}.") from error
    return rows
