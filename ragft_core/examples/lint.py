"""Rows become the list of what is wrong with them, each with its line; what would wreck a run is blocking."""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from .language import language
from .read import Reading
from .rows import Example, Problem, plain
from .similar import NEAR, NUMBER, near_pairs, shingles
from .similar import alike as shared

OUTLIER = 8  # times longer or shorter than the median row
MIXED_BLOCKS = 0.05  # share of rows in another format that is no slip any more
FEW = 20  # rows below which lengths and languages say nothing
MARK = re.compile(r"<\|[^|<>\n]{1,40}\|>|</?s>|\[/?INST\]|<<?/?SYS>?>|<(?:start|end)_of_turn>|<\uff5c[^>\n]{1,40}>")
KINDS = {
    "broken": "cannot be read as a row",
    "empty": "has no question or no answer",
    "mixed": "is in another format than the rest",
    "contradiction": "gives another answer to a question asked before",
    "too long": "does not fit the model's window",
    "duplicate": "repeats a row",
    "near duplicate": "nearly repeats a row",
    "outlier": "is far longer or shorter than the rest",
    "special token": "holds a mark of a chat template",
    "encoding": "holds characters that were damaged",
    "leakage": "is also in another set",
    "language": "is in another language than the rest",
}


def lint(
    reading: Reading,
    count: Callable[[Example], int] | None = None,
    window: int = 0,
    others: Mapping[str, Sequence[Example]] | None = None,
) -> list[Problem]:
    """All problems of a reading, by line; `count` gives a row's tokens, `others` are sets it must not share rows with.

    A row with a broken or empty field is not looked at further.
    """
    rows = [row for row in reading.rows if row.question and row.answer]
    problems = list(reading.problems)
    problems += [empty(row) for row in reading.rows if not (row.question and row.answer)]
    problems += mixed(rows, reading.shapes)
    problems += contradictions(rows) if reading.kind == "training" else []
    problems += too_long(rows, count, window)
    problems += repeats(rows)
    problems += outliers(rows)
    problems += marks(rows)
    problems += languages(rows)
    for name, other in (others or {}).items():
        problems += leakage(rows, other, name)
    return sorted(problems, key=lambda problem: (problem.line, list(KINDS).index(problem.kind)))


def clean(reading: Reading, problems: Iterable[Problem]) -> tuple[list[Example], dict[str, list[int]]]:
    """The rows without those that are blocking, repeated or leaked, and the dropped lines by kind of problem."""
    dropped: dict[str, list[int]] = defaultdict(list)
    gone = set()
    for problem in problems:
        if problem.line and (problem.blocking or problem.kind in ("duplicate", "near duplicate", "leakage")):
            gone.add(problem.line)
            dropped[problem.kind].append(problem.line)
    return [row for row in reading.rows if row.line not in gone], dict(dropped)


def empty(row: Example) -> Problem:
    fields = [name for name in ("question", "answer") if not getattr(row, name)]
    return Problem(row.line, "empty", f"The {' and the '.join(fields)} is empty.", blocking=True)


def mixed(rows: Sequence[Example], shapes: Mapping[int, str]) -> list[Problem]:
    """Rows whose fields, or whose kind of answer (prose, JSON, HTML), are not those of most rows."""
    problems = []
    for what, shape_of in (("fields", lambda r: shapes[r.line]), ("answer", lambda r: _answer_kind(r.answer))):
        kinds = Counter(shape_of(row) for row in rows)
        if len(kinds) < 2:
            continue
        usual, most = kinds.most_common(1)[0]
        strange = len(rows) - most
        blocking = strange / len(rows) > MIXED_BLOCKS
        share = f"{strange} of {len(rows)} rows ({strange / len(rows):.0%}) are in another format"
        problems += [
            Problem(
                row.line, "mixed", f"The {what} of this row: {shape_of(row)}; of most rows: {usual}; {share}.", blocking
            )
            for row in rows
            if shape_of(row) != usual
        ]
    return problems


def _answer_kind(answer: str) -> str:
    if answer[:1] in "{[":
        try:
            return "JSON" if isinstance(json.loads(answer), dict | list) else "text"
        except (ValueError, RecursionError):
            return "text"
    return "HTML" if re.match(r"<(!doctype|html|div|p|table|ul|span)\b", answer, re.I) else "text"


def contradictions(rows: Sequence[Example]) -> list[Problem]:
    """Answers to one question (over one context) that say other numbers, or share little."""
    asked: dict[tuple[str, ...], list[Example]] = defaultdict(list)
    for row in rows:
        asked[plain(row.question), *map(plain, row.context), *(plain(t["content"]) for t in row.turns)].append(row)
    problems = []
    for same in asked.values():
        for row in same[1:]:
            first = same[0]
            if plain(row.answer) != plain(first.answer) and _contradict(row.answer, first.answer):
                message = f"The question of line {first.line} is answered otherwise here; keep one of the two."
                problems.append(Problem(row.line, "contradiction", message, blocking=True))
    return problems


def _contradict(a: str, b: str) -> bool:
    return sorted(NUMBER.findall(a)) != sorted(NUMBER.findall(b)) or shared(shingles(a), shingles(b)) < 0.7


def too_long(rows: Sequence[Example], count: Callable[[Example], int] | None, window: int) -> list[Problem]:
    if count is None or not window:
        return []
    problems = []
    for row in rows:
        tokens = count(row)
        if tokens > window:
            message = f"The row has {tokens:,} tokens; the model reads {window:,}. Shorten it or leave it out."
            problems.append(Problem(row.line, "too long", message, blocking=True))
    return problems


def repeats(rows: Sequence[Example]) -> list[Problem]:
    """Exact copies (but for case, spaces and marks), and near copies among the others."""
    seen: dict[tuple[str, str], Example] = {}
    first: list[Example] = []
    problems = []
    for row in rows:
        key = (plain(row.question), plain(row.answer))
        if key in seen:
            problems.append(Problem(row.line, "duplicate", f"The row repeats line {seen[key].line}."))
        else:
            seen[key] = row
            first.append(row)
    for i, j in near_pairs([f"{row.question} {row.answer}" for row in first], NEAR):
        a, b = first[i], first[j]
        if a.group and a.group == b.group:
            continue  # the same fact asked in other words, as the file itself says
        if shared(shingles(a.question), shingles(b.question)) >= NEAR:
            problems.append(Problem(b.line, "near duplicate", f"The row is nearly that of line {a.line}."))
    return list({problem.line: problem for problem in reversed(problems)}.values())


def outliers(rows: Sequence[Example]) -> list[Problem]:
    if len(rows) < FEW:
        return []
    problems = []
    for field in ("question", "answer"):
        lengths = [len(getattr(row, field)) for row in rows]
        middle = median(lengths)
        for row, length in zip(rows, lengths, strict=True):
            if abs(math.log(length / middle)) > math.log(OUTLIER):
                message = f"The {field} has {length:,} characters; half of the rows have under {middle:,.0f}."
                problems.append(Problem(row.line, "outlier", message))
    return problems


def marks(rows: Sequence[Example]) -> list[Problem]:
    """Marks of chat templates, which are spelled apart in training, and damaged characters."""
    problems = []
    for row in rows:
        text = "\n".join((row.question, row.answer, *row.context))
        if found := MARK.search(text):
            message = f"The text holds {found.group()}, a mark of a chat template; it is spelled apart in training."
            problems.append(Problem(row.line, "special token", message))
        if "\ufffd" in text or "\x00" in text:
            problems.append(Problem(row.line, "encoding", "The text holds damaged characters; save the file as UTF-8."))
    return problems


def languages(rows: Sequence[Example]) -> list[Problem]:
    """Rows in another language than most; short rows and unknown languages are left alone."""
    if len(rows) < FEW:
        return []
    spoken = [language(f"{row.question} {row.answer}") for row in rows]
    usual, most = Counter(filter(None, spoken)).most_common(1)[0] if any(spoken) else ("", 0)
    return [
        Problem(row.line, "language", f"The row seems to be in {found}; {most} of {len(rows)} rows are in {usual}.")
        for row, found in zip(rows, spoken, strict=True)
        if found and found != usual
    ]


def leakage(rows: Sequence[Example], other: Sequence[Example], name: str) -> list[Problem]:
    """Rows whose question is also in another set: the same (blocking) or nearly the same."""
    asked = {plain(row.question): row for row in other}
    problems = [
        Problem(
            row.line,
            "leakage",
            f"The question is also in {name} (line {asked[plain(row.question)].line}), which it would spoil.",
            blocking=True,
        )
        for row in rows
        if plain(row.question) in asked
    ]
    found = {problem.line for problem in problems}
    texts = [row.question for row in rows] + [row.question for row in other]
    for i, j in near_pairs(texts, NEAR):
        if i < len(rows) <= j and rows[i].line not in found:
            found.add(rows[i].line)
            message = f"The question is nearly that of {name} (line {other[j - len(rows)].line}), which it would spoil."
            problems.append(Problem(rows[i].line, "leakage", message))
    return problems
