"""Questions that stand in indexed documents are leaks; documents that merely tell the facts are not."""

import json
from pathlib import Path

import pytest

from ragft_core.examples import Example
from ragft_core.examples.check import check
from ragft_core.examples.leaks import MOST_ASKED, holds, in_index
from ragft_core.types import Passage

FAQ = "Opening. Q: When does the harbour library open on Sundays? A: The library opens at eleven."
TOLD = "The harbour library opens at eleven on Sundays and at nine on all other days of the week."
ROW = Example("When does the harbour library open on Sundays?", "It opens at eleven.", line=7)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (FAQ, True),
        (FAQ.replace("When does the harbour", "So, when does the  Harbour"), True),
        (FAQ.replace("open on Sundays", "open its doors on Sundays"), True),
        (TOLD, False),
        ("", False),
    ],
)
def test_a_question_is_found_word_by_word_or_nearly(text: str, found: bool) -> None:
    assert holds(text, ROW.question) is found


def test_short_questions_are_found_only_as_they_are() -> None:
    assert holds("Who am I? Me.", "Who am I?") and not holds("whoami", "Who am I?") and not holds("x", "?")


def test_rows_that_the_index_gives_away_are_leaks_with_their_source() -> None:
    pages = [Passage("1", TOLD, "told.md", 1.0), Passage("2", FAQ, "faq.md", 0.5)]
    (problem,) = in_index([ROW], lambda question, k: pages[:k])
    assert (problem.line, problem.kind, problem.blocking) == (7, "leakage", False) and "faq.md" in problem.message
    assert not in_index([ROW], lambda question, k: pages[:1])
    asked: list[str] = []
    in_index([ROW] * 1000, lambda question, k: asked.append(question) or [])
    assert len(asked) <= MOST_ASKED


def test_planted_copies_are_found_in_every_set_and_in_the_index(tmp_path: Path) -> None:
    topics = "mill bridge tower garden museum theatre harbour market station castle".split()
    questions = [f"When does the {topic} by the river open to visitors in winter?" for topic in topics]
    rows = [{"question": q, "answer": f"It opens at {n} in the morning."} for n, q in enumerate(questions)]
    train, evaluation, test = (tmp_path / f"{name}.jsonl" for name in ("train", "evaluation", "test"))
    train.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    near = questions[2].replace("open to visitors", "open to all visitors")
    evaluation.write_text(
        "\n".join(json.dumps({"question": q, "answers": ["x"]}) for q in (questions[1], near)), "utf-8"
    )
    test.write_text(json.dumps({"question": questions[5].upper(), "answer": "At 5."}), "utf-8")
    pages = [Passage("1", f"FAQ: {questions[8]} At eight.", "faq.md", 1.0)]
    found = check(train, others=[evaluation, test], search=lambda question, k: pages)
    leaks = {problem.line: problem for problem in found.problems if problem.kind == "leakage"}
    assert {line: problem.blocking for line, problem in leaks.items()} == {2: True, 3: False, 6: True, 9: False}
    assert "evaluation.jsonl" in leaks[2].message and "test.jsonl" in leaks[6].message and "faq.md" in leaks[9].message
