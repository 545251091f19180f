"""A trained adapter becomes the answer to "did it work?": before and after, by heart, forgotten, in plain words."""

import re
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from ..examples.lessons import Recipe, closed_book, probe_lessons
from ..examples.rows import WORD, Example, plain
from ..prompts import messages
from ..types import Message, Passage
from .general import GENERAL
from .student import Student

ASKED = {"smoke": 4, "small": 24, "full": 24}
RIGHT = 0.8  # shared words (F1) from which an answer counts as the expected one
WORSE = {"amber": 0.1, "red": 0.3}  # part of the general questions right before that are wrong after
READING = Recipe("reading", closed=0.0, passages=1.0, golden=1.0, counterfactual=1.0, renamed=0.0, cite=False)
FEWEST = 4  # questions below which a count says nothing
COLOURS = ("green", "amber", "red")


def report(
    student: Student,
    rows: Sequence[Example],
    held: Sequence[Example],
    preset: str,
    events: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """What the run taught and what it cost: figures, and findings as {name, colour, message}."""
    student.model.eval()
    rows = [row for row in rows if not row.rehearsal]
    asked = ASKED.get(preset, 24)
    known, unseen = _spread(rows, asked), _spread(held, asked)
    losses = [event for event in events if event.get("kind") == "evaluation"]
    figures: dict[str, Any] = {
        "validation_before": losses[0]["loss"] if losses else None,
        "validation_best": min((event["loss"] for event in losses), default=None),
        "trained": _recall(student, known),
        "held_out": _recall(student, unseen),
        "reading": reading(student, [*held, *rows], asked),
        "forgetting": forgetting(student, GENERAL if preset != "smoke" else GENERAL[:8]),
    }
    findings = [
        *_validation(figures),
        *_recalled(figures),
        *_memorised(figures),
        *_read(figures["reading"]),
        _forgotten(figures["forgetting"]),
    ]
    colour = COLOURS[max(COLOURS.index(finding["colour"]) for finding in findings)]
    return {"colour": colour, "findings": findings, "figures": figures}


def forgetting(student: Student, items: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """General reading questions answered by base and adapter, paired by question."""
    prompts = [messages(question, (Passage("1", passage, "", 0.0),)) for passage, question, _ in items]
    before, after = _both(student, prompts)
    right = [
        [_holds(text, value) for text, (_, _, value) in zip(texts, items, strict=True)] for texts in (before, after)
    ]
    pairs = list(zip(*right, strict=True))
    changed = [
        {"question": item[1], "before": b, "after": a}
        for item, b, a, pair in zip(items, before, after, pairs, strict=True)
        if pair == (True, False)
    ]
    return {
        "asked": len(items),
        "right_before": sum(right[0]),
        "right_after": sum(right[1]),
        "lost": sum(pair == (True, False) for pair in pairs),
        "gained": sum(pair == (False, True) for pair in pairs),
        "examples": changed[:3],
    }


def _recall(student: Student, rows: Sequence[Example]) -> dict[str, Any] | None:
    """How many of the rows' questions are answered as expected without passages, before and after."""
    if not rows:
        return None
    before, after = _both(student, [closed_book(row).messages for row in rows])
    score = [[likeness(text, row.answer) for text, row in zip(texts, rows, strict=True)] for texts in (before, after)]
    return {
        "asked": len(rows),
        "right_before": sum(value >= RIGHT for value in score[0]),
        "right_after": sum(value >= RIGHT for value in score[1]),
        "style_before": round(sum(map(style, before, [row.answer for row in rows])) / len(rows), 3),
        "style_after": round(sum(map(style, after, [row.answer for row in rows])) / len(rows), 3),
        "longest_copied": int(median(copied(text, row.answer) for text, row in zip(after, rows, strict=True))),
        "examples": [
            {"question": row.question, "expected": row.answer, "before": b, "after": a}
            for row, b, a in list(zip(rows, before, after, strict=True))[:3]
        ],
    }


def reading(student: Student, rows: Sequence[Example], count: int) -> dict[str, Any] | None:
    """Questions with a passage in which another value stands: whether the answer follows it, before and after.

    What is known by heart does not help here. None when too few rows have a passage and a value in it.
    """
    chosen = [row for row in rows if row.context and row.value and row.others][:count]
    lessons = probe_lessons(chosen, READING)
    wanted = [
        next((other for other in row.others if _holds(lesson.answer, other)), row.value)
        for row, lesson in zip(chosen, lessons, strict=True)
    ]
    if len(chosen) < FEWEST:
        return None
    before, after = _both(student, [lesson.messages for lesson in lessons])
    right = [[_holds(text, value) for text, value in zip(texts, wanted, strict=True)] for texts in (before, after)]
    pairs = list(zip(*right, strict=True))
    return {
        "asked": len(chosen),
        "right_before": sum(right[0]),
        "right_after": sum(right[1]),
        "lost": pairs.count((True, False)),
        "gained": pairs.count((False, True)),
    }


def _both(student: Student, prompts: Sequence[Sequence[Message]]) -> tuple[list[str], list[str]]:
    with student.as_base():
        before = student.write(prompts)
    return before, student.write(prompts)


# ---------------------------------------------------------------- findings


def _finding(name: str, colour: str, message: str) -> dict[str, str]:
    return {"name": name, "colour": colour, "message": message}


def _validation(figures: Mapping[str, Any]) -> list[dict[str, str]]:
    before, best = figures["validation_before"], figures["validation_best"]
    if before is None:
        return [_finding("validation", "amber", "No rows were held out, so nothing watched for learning by heart.")]
    fell = 1 - best / before if before else 0.0
    colour = "green" if fell > 0.1 else "amber" if fell > 0.01 else "red"
    return [
        _finding(
            "validation", colour, f"The loss on held-out rows went from {before:.2f} to {best:.2f} ({-fell:+.0%})."
        )
    ]


def _recalled(figures: Mapping[str, Any]) -> list[dict[str, str]]:
    found = []
    for name, words in (("trained", "trained questions"), ("held_out", "held-out questions")):
        recall = figures[name]
        if recall:
            n, before, after = recall["asked"], recall["right_before"], recall["right_after"]
            colour = "green" if after > before and after >= 0.7 * n else "amber" if after > before else "red"
            text = f"Of {n} {words}, {after} are answered as expected without passages (before: {before})."
            found.append(_finding(name, colour, text))
    return found


def _memorised(figures: Mapping[str, Any]) -> list[dict[str, str]]:
    """How much of what is known by heart is lost when the question is put in other words."""
    trained, held = figures["trained"], figures["held_out"]
    if not trained or not held or trained["right_after"] < 4:
        return []
    share = [recall["right_after"] / recall["asked"] for recall in (trained, held)]
    drop = share[0] - share[1]
    colour = "green" if drop <= 0.25 else "amber" if drop <= 0.5 else "red"
    text = (
        f"Answers right: {share[0]:.0%} on trained questions, {share[1]:.0%} on questions it has not seen; "
        f"the longest run of words copied from a training answer has {trained['longest_copied']} words (median)."
    )
    return [_finding("memorisation", colour, text)]


def _read(found: Mapping[str, Any] | None) -> list[dict[str, str]]:
    if not found:
        return []
    asked, before, after = found["asked"], found["right_before"], found["right_after"]
    lost = (before - after) / before if before else 0.0
    colour = "red" if lost >= WORSE["red"] else "green" if after >= max(before, 0.5 * asked) else "amber"
    text = (
        f"With a passage in which another value stands, {after} of {asked} answers follow the passage "
        f"(before: {before})."
    )
    if colour == "red":
        text += " It answers by heart what it should read; the recipe raft trains reading too."
    return [_finding("reading", colour, text)]


def _forgotten(found: Mapping[str, Any]) -> dict[str, str]:
    asked, before, after = found["asked"], found["right_before"], found["right_after"]
    if before < 4:
        text = f"The base answers only {before} of {asked} general questions, too few to tell what was forgotten."
        return _finding("forgetting", "amber", text)
    part = (found["lost"] - found["gained"]) / before
    colour = "red" if part >= WORSE["red"] else "amber" if part >= WORSE["amber"] else "green"
    text = (
        f"General reading: {after} of {asked} questions right, before {before} "
        f"({found['lost']} lost, {found['gained']} gained)."
    )
    if colour == "red":
        text += " It has unlearnt to read passages; train with the recipe raft, for fewer steps or at a lower rate."
    return _finding("forgetting", colour, text)


# ---------------------------------------------------------------- measures


def likeness(text: str, expected: str) -> float:
    """Shared words of two answers (F1, 0 to 1); 0 when a number of the expected one is missing."""
    said, wanted = WORD.findall(text.casefold()), WORD.findall(expected.casefold())
    if not said or not wanted or any(word not in said for word in wanted if word.isdigit()):
        return 0.0
    common = sum(min(said.count(word), wanted.count(word)) for word in set(wanted))
    return 2 * common / (len(said) + len(wanted))


def style(text: str, expected: str) -> float:
    """Whether an answer begins and ends as expected: the part of its first and last three words that agree."""
    said, wanted = text.casefold().split(), expected.casefold().split()
    pairs = [*zip(said[:3], wanted[:3], strict=False), *zip(said[::-1][:3], wanted[::-1][:3], strict=False)]
    return sum(a == b for a, b in pairs) / 6


def copied(text: str, source: str) -> int:
    """Words in the longest run that stands in both texts."""
    a, b = plain(text).split(), plain(source).split()
    longest, last = 0, [0] * (len(b) + 1)
    for word in a:
        row = [0]
        for place, other in enumerate(b):
            row.append(last[place] + 1 if word == other else 0)
        longest, last = max(longest, max(row)), row
    return longest


def _holds(text: str, value: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value.casefold())}(?!\w)", text.casefold()) is not None


def _spread(rows: Sequence[Example], count: int) -> list[Example]:
    """So many rows, evenly over the file."""
    step = max(1, len(rows) // max(1, count))
    return list(rows[::step][:count])
