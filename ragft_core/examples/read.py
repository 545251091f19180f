"""A JSONL, JSON, CSV or XLSX file becomes rows; whatever is wrong with a row is told with its line, never raised."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from .columns import ALIASES, checked_mapping, guess_mapping, table
from .rows import Example, Problem

LARGEST_FILE = 200_000_000  # bytes
LONGEST_LINE = 1_000_000  # characters
MOST_ROWS = 100_000
ROLES = {"system": "system", "user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant"}


@dataclass(frozen=True)
class Reading:
    """What a file holds: `kind` is training or evaluation, `shapes` the format of each row by line."""

    rows: tuple[Example, ...]
    problems: tuple[Problem, ...]
    kind: str
    shapes: Mapping[int, str]
    columns: tuple[str, ...] = ()
    mapping: Mapping[str, str] | None = None


def read(path: str | Path, mapping: Mapping[str, str] | None = None) -> Reading:
    """Read a file of examples; `mapping` names the columns of a table, as {"question": "Frage", ...}.

    DatasetError only when nothing of the file can be read at all.
    """
    path = Path(path).expanduser()
    records, columns, mapping = _records(path, mapping)
    rows, problems, shapes, kinds = list[Example](), list[Problem](), dict[int, str](), set[str]()
    for line, record in records:
        if isinstance(record, Problem):
            problems.append(record)
            continue
        if len(rows) >= MOST_ROWS:
            raise DatasetError(f"{path.name} has more than {MOST_ROWS:,} rows; split the file.")
        try:
            example, shape = _example(record, line)
        except ValueError as error:
            problems.append(Problem(line, "broken", str(error), blocking=True))
            continue
        rows.append(example)
        shapes[line] = shape
        kinds.add("evaluation" if shape == "evaluation" else "training")
    kind = "evaluation" if kinds == {"evaluation"} else "training"
    if not rows and not problems:
        raise DatasetError(f"{path.name} holds no rows. Give one question and answer per line.")
    return Reading(tuple(rows), tuple(problems), kind, shapes, columns, mapping)


def _records(path: Path, mapping: Mapping[str, str] | None) -> tuple[Any, tuple[str, ...], Any]:
    """(line, record or Problem) pairs of a file, and for a table its columns and the mapping used."""
    text_kinds = {".jsonl": _json_lines, ".ndjson": _json_lines, ".json": _json_items}
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise DatasetError(f"{path.name} has more than {LARGEST_FILE // 1_000_000} MB; split it.")
        if path.suffix.lower() in text_kinds:
            return text_kinds[path.suffix.lower()](_text(path)), (), None
        if path.suffix.lower() in (".csv", ".tsv", ".xlsx"):
            columns, lines = table(path, _text)
            mapping = checked_mapping(mapping, columns) if mapping else guess_mapping(columns)
            return _mapped(lines, columns, mapping), columns, mapping
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror or error}). Check the path.") from error
    raise DatasetError(f"{path.name} is of no known kind; give .jsonl, .json, .csv, .tsv or .xlsx.")


def _text(path: Path) -> str:
    """The file as text; bytes that are not UTF-8 become marks that the lint finds."""
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def _json_lines(text: str) -> Iterator[tuple[int, Any]]:
    for line, words in enumerate(text.split("\n"), 1):
        if not words.strip():
            continue
        if len(words) > LONGEST_LINE:
            yield line, Problem(line, "broken", f"The line has more than {LONGEST_LINE:,} characters.", True)
            continue
        try:
            yield line, json.loads(words)
        except (ValueError, RecursionError) as error:
            what = "is nested too deeply" if isinstance(error, RecursionError) else f"is not JSON: {error}"
            yield line, Problem(line, "broken", f"The line {what}.", blocking=True)


def _json_items(text: str) -> Iterator[tuple[int, Any]]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatasetError(
            f"The file is not JSON ({str(error)[:200]}). For one row per line name it .jsonl."
        ) from error
    if not isinstance(items, list):
        raise DatasetError("The file must hold a list of rows.")
    return iter(list(enumerate(items, 1)))


def _mapped(lines: Any, columns: tuple[str, ...], mapping: Mapping[str, str]) -> Iterator[tuple[int, Any]]:
    """Table rows as records; a cell beyond the columns or a row cut short is a problem of that line."""
    for line, cells in lines:
        if isinstance(cells, Problem):
            yield line, cells
        elif len(cells) != len(columns):
            message = f"The row has {len(cells)} cells where the header names {len(columns)} columns."
            yield line, Problem(line, "broken", message, blocking=True)
        else:
            named = dict(zip(columns, cells, strict=True))
            yield line, {field: named[column] for field, column in mapping.items() if named.get(column)}


def _example(record: Any, line: int) -> tuple[Example, str]:
    """One record as (Example, the name of its format); ValueError says what is wrong with it."""
    if not isinstance(record, dict):
        raise ValueError(f"The row must be an object with question and answer, not {type(record).__name__}.")
    chat = record.get("messages", record.get("conversations"))
    if chat is not None:
        example, shape = _chat(chat), "messages" if "messages" in record else "conversations"
    elif "answers" in record or "unanswerable" in record:
        example, shape = _evaluation(record), "evaluation"
    else:
        example, shape = _pair(record)
    name = record.get("id", "")
    group = record.get("group", "")
    if not all(isinstance(x, str | int) and not isinstance(x, bool) for x in (name, group)):
        raise ValueError("id and group must be words or numbers.")
    return replace(example, id=str(name) or f"line {line}", group=str(group), line=line), shape


def _pair(record: dict[str, Any]) -> tuple[Example, str]:
    """A row of two columns, by whatever usual names; the names make its format."""
    found = {}
    for field in ("question", "answer", "context"):
        found[field] = next((name for name in ALIASES[field] if name in record), "")
    for field in ("question", "answer"):
        if not found[field]:
            raise ValueError(f"The row has no {field}; its fields are {', '.join(map(str, record))[:100] or 'none'}.")
    question = _words(record[found["question"]], "question")
    more = record.get("input")
    if found["question"] == "instruction" and isinstance(more, str) and more.strip():
        question = f"{question}\n{more}"
    context = _passages(record[found["context"]]) if found["context"] else ()
    value, others, rehearsal = record.get("value", ""), record.get("others", ()), record.get("rehearsal", False)
    if rehearsal not in (True, False):
        raise ValueError("rehearsal must be true or false.")
    if rehearsal and not context:
        raise ValueError("A row for rehearsal needs its passages in context.")
    example = Example(
        question,
        _words(record[found["answer"]], "answer"),
        context,
        value=_words(value, "value"),
        others=_passages(others),
        rehearsal=bool(rehearsal),
    )
    return example, f"{found['question']}/{found['answer']}"


def _chat(messages: Any) -> Example:
    """The last answer of a chat with the question before it; what came earlier is kept as turns."""
    if not isinstance(messages, list) or not messages:
        raise ValueError("messages must be a list of {role, content}.")
    turns = []
    for message in messages:
        if not isinstance(message, dict):
            raise ValueError("Each message must be an object with role and content.")
        role = ROLES.get(str(message.get("role", message.get("from"))))
        if role is None:
            raise ValueError(f"The role {str(message.get('role', message.get('from')))[:40]!r} is unknown.")
        turns.append({"role": role, "content": _words(message.get("content", message.get("value")), "content")})
    if len(turns) < 2 or [turn["role"] for turn in turns[-2:]] != ["user", "assistant"]:
        raise ValueError("The messages must end with a user's question and the assistant's answer.")
    earlier = [turn for turn in turns[:-2] if turn["role"] != "system"]  # the program's own system prompt is used
    return Example(turns[-2]["content"], turns[-1]["content"], turns=tuple(earlier))


def _evaluation(record: dict[str, Any]) -> Example:
    answers = record.get("answers", record.get("answer", []))
    answers = [answers] if isinstance(answers, str) else answers
    if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
        raise ValueError("answers must be a list of texts.")
    if not answers and not record.get("unanswerable"):
        raise ValueError("The row has no answers and is not marked unanswerable.")
    return Example(_words(record.get("question"), "question"), answers[0] if answers else "(unanswerable)")


def _words(value: Any, field: str) -> str:
    """A text, or a number written as one; ValueError for anything else."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return str(value)
    kind = "nothing" if value is None else type(value).__name__
    raise ValueError(f"The {field} must be a text, not {kind}.")


def _passages(value: Any) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(words for item in value if (words := _words(item, "context")))
    return (words,) if value is not None and (words := _words(value, "context")) else ()
