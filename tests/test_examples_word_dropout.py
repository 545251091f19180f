"""Words of the wording are left out of questions in training; what a question is about stays."""

import random

from ragft_core.examples import Example, Recipe, epoch_lessons, probe_lessons
from ragft_core.examples.word_dropout import common_words, thinned

NAMES = "Holt Marsh Quill Brandt Drewe Nadir Tolland Wexley Ortega Lindqvist".split()
ROWS = [Example(f"In which room is Dr. {name}?", f"Dr. {name} is in {n}.", (f"Page of {name}: {n}",)) for n, name in
        enumerate(NAMES)]  # fmt: skip
COMMON = common_words(ROWS)


def test_words_of_many_questions_are_of_the_wording() -> None:
    assert {"in", "which", "room", "is", "dr"} == COMMON
    assert common_words([Example("Where is the lift?", "x")] * 4) == frozenset(), "four questions are too few to tell"
    often = [Example("Where is the lift?", "x")] * 100 + [Example("Who paints?", "x")] * 6
    assert common_words([*often, *[Example(f"z{n}", "x") for n in range(300)]]) == {"where", "is", "the", "lift"}


def test_names_stay_and_the_question_stays_one() -> None:
    seen = {thinned(ROWS[0], random.Random(n), 0.5, COMMON).question for n in range(200)}
    assert len(seen) > 8 and ROWS[0].question in seen
    for question in seen:
        assert question.endswith("Dr. Holt?") and question[0].isupper() and question != "Dr. Holt?"


def test_a_question_is_never_emptied_of_its_wording() -> None:
    assert thinned(ROWS[0], random.Random(0), 0.9999, COMMON) == ROWS[0]
    assert thinned(ROWS[0], random.Random(0), 0.0, COMMON) == ROWS[0]
    assert thinned(Example("?", "x"), random.Random(0), 0.9, COMMON).question == "?"


def test_marks_and_digits_stay_where_they_were() -> None:
    row = Example("which  7 rooms are in, please", "x")
    common = frozenset({"which", "7", "in", "please", "are"})
    for n in range(50):
        question = thinned(row, random.Random(n), 0.5, common).question
        assert "7" in question and "rooms" in question.casefold() and question[-1] not in "?."
    ended = {thinned(Example("Go in now!", "x"), random.Random(n), 0.5, frozenset({"in", "now"})).question for n in
             range(50)}  # fmt: skip
    assert ended == {"Go in now!", "Go in!", "Go now!"}


def test_every_epoch_leaves_out_others_and_validation_none() -> None:
    recipe = Recipe("t", passages=1.0, golden=1.0, counterfactual=0.0, renamed=0.0)
    plain = epoch_lessons(ROWS, recipe, 0, 0)
    first, second = (epoch_lessons(ROWS, recipe, 0, epoch, 0.4) for epoch in (0, 1))
    assert first == epoch_lessons(ROWS, recipe, 0, 0, 0.4) != second
    asked = [[lesson.messages[-1]["content"] for lesson in lessons] for lessons in (plain, first, second)]
    assert asked[0] != asked[1] != asked[2]
    assert [lesson.id for lesson in first] == [lesson.id for lesson in plain]
    for lesson in probe_lessons(ROWS, recipe):
        assert any(row.question in lesson.messages[-1]["content"] for row in ROWS)
