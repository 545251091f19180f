"""Rows become leakage problems where the index holds them word by word: retrieval would hand over the answers."""

from collections.abc import Callable, Sequence
from typing import Any

from .rows import Example, Problem, plain
from .similar import alike, shingles

MOST_ASKED = 200  # rows looked for, evenly over the file
LOOKED_AT = 3  # passages per row
HELD = 0.8  # part of the question's runs of letters that must stand in the passage


def in_index(rows: Sequence[Example], search: Callable[[str, int], Sequence[Any]]) -> list[Problem]:
    """A problem for each of up to 200 rows whose question stands, nearly, in an indexed passage.

    A document says facts; it does not ask. A passage with the question in it comes from the examples themselves.
    """
    whole = [row for row in rows if row.question and row.answer]
    step = max(1, -(-len(whole) // MOST_ASKED))
    problems = []
    for row in whole[::step]:
        for passage in search(row.question, LOOKED_AT):
            if holds(passage.text, row.question):
                message = (
                    f"The question stands in the indexed document {passage.source}, which would give its answer away."
                )
                problems.append(Problem(row.line, "leakage", message))
                break
    return problems


def holds(text: str, question: str) -> bool:
    """Whether a text holds a question, word by word or nearly so; short questions only word by word."""
    asked, inside = plain(question), plain(text)
    if len(asked) < 20 or asked in inside:
        return bool(asked) and f" {asked} " in f" {inside} "
    marks = shingles(question)
    if len(marks & shingles(text)) < HELD * len(marks):
        return False
    words, span = inside.split(), len(asked.split())
    windows = (" ".join(words[n : n + span]) for n in range(max(1, len(words) - span + 1)))
    return any(alike(marks, shingles(window)) >= HELD for window in windows)
