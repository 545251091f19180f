"""Rows become leakage problems where the index holds them word by word: retrieval would hand over the answers."""

from collections.abc import Callable, Sequence
from typing import Any

from ..documents.sentences import sentences
from .rows import Example, Problem, plain
from .similar import shingles

MOST_ASKED = 200  # rows looked for, evenly over the file
LOOKED_AT = 3  # passages per row
HELD = 0.8  # part of the question's runs of letters that must stand in a question of the passage
SHORT = 20  # letters below which only the very words count


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
    """Whether a text holds a question word by word, or asks nearly the same of the same; a told fact is no leak."""
    asked = plain(question)
    if asked and f" {asked} " in f" {plain(text)} ":
        return True
    if len(asked) < SHORT:
        return False
    marks, words = shingles(question), {word for word in asked.split() if len(word) > 3 or word.isdigit()}
    return any(
        "?" in one and words <= set(plain(one).split()) and len(marks & shingles(one)) >= HELD * len(marks)
        for one in sentences(text)
    )
