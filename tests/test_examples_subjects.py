"""RAFT rows about invented names: what a row is about is found, and renamed everywhere alike."""

import random
import re

from ragft_core.examples import Example, Recipe, epoch_lessons
from ragft_core.examples.passages import with_passages
from ragft_core.examples.subjects import invented, renamed, with_subjects

THINGS = ["flu shot", "eye test", "heart scan", "sleep study", "diet plan", "knee check"] * 2
PRICES = [12, 34, 56, 78, 91, 23]


def row(n: int) -> Example:
    thing, price = THINGS[n], PRICES[n % 6]
    return Example(
        f"How much does the {thing} cost?",
        f"Hello. The {thing} costs {price} euros. Bye.",
        (f"{thing.capitalize()}: The {thing} costs {price} euros.",),
        id=str(n),
    )


ROWS = with_passages([row(n) for n in range(6)])
RENAMING = Recipe("t", closed=0.0, passages=1.0, golden=1.0, counterfactual=0.0, renamed=1.0)


def test_the_subject_is_what_stands_in_the_question_and_in_no_other_context() -> None:
    assert [row.subject for row in ROWS[:3]] == [("flu", "shot"), ("eye", "test"), ("heart", "scan")]


def test_words_of_many_contexts_of_none_and_numbers_are_no_subject() -> None:
    rows = [Example("Where is lift 20?", "x", (f"Lift 20 is beside door {n}.",)) for n in range(20)]
    assert {row.subject for row in with_subjects(rows)} == {()}
    assert with_subjects([Example("Where is the lift?", "x")])[0].subject == ()


def test_the_value_of_a_row_is_no_subject() -> None:
    (made,) = with_subjects([Example("Is Dr. Holt in room Blue?", "x", ("Dr. Holt: in room Blue.",), value="Blue")])
    assert "holt" in made.subject and "blue" not in made.subject


def test_question_passages_and_answer_are_about_the_same_invented_name() -> None:
    for lesson in epoch_lessons(ROWS, RENAMING, 0, 0):
        made, text = ROWS[int(lesson.id)], lesson.messages[1]["content"]
        first, second = made.subject
        assert not re.search(rf"\b({first}|{second})\b", text + lesson.answer, re.I)
        asked = re.search(r"How much does the (\w+ \w+) cost", text)[1]
        price = PRICES[int(lesson.id)]
        number = re.search(rf"\[(\d)\] {asked.capitalize()}: The {asked} costs {price} euros", text)[1]
        assert lesson.kind == "counterfactual"
        assert lesson.answer == f"Hello. The {asked} costs {price} euros [{number}]. Bye."


def test_names_differ_between_epochs_and_repeat_exactly() -> None:
    first, second = (epoch_lessons(ROWS, RENAMING, 3, epoch) for epoch in (0, 1))
    assert first == epoch_lessons(ROWS, RENAMING, 3, 0)
    assert {lesson.answer for lesson in first}.isdisjoint(lesson.answer for lesson in second)


def test_renaming_keeps_capitals_and_parts_of_words() -> None:
    names = {"holt": "breda", "eye": "gro"}
    assert renamed("Holt: the Eye of HOLT's eyes, Holtz.", names) == "Breda: the Gro of Breda's eyes, Holtz."
    assert renamed("Nothing.", {}) == "Nothing."


def test_invented_words_can_be_written_and_hardly_repeat() -> None:
    words = [invented(random.Random(n)) for n in range(500)]
    assert all(re.fullmatch("[a-z]{4,12}", word) for word in words) and len(set(words)) > 450
