"""Wordings of one fact take turns: each is shown, none more often than another, a fact of its own kind more often."""

from collections import Counter

from ragft_core.examples import RECIPES, Example, epoch_lessons
from ragft_core.examples.split import split
from ragft_core.examples.turns import ALIKE, ALONE, in_turn, stated_alike


def fact(name: str, answer: str, wordings: int) -> list[Example]:
    said = f"Hello dear. {answer} Take care."
    return [Example(f"{name}, in words {n}?", said, (answer,), f"{name}{n}", name) for n in range(wordings)]


KIN = [row for n in range(1, 10) for row in fact(f"Room of {n}", f"Guest {n} sees us in room {n}4.", 8)]
LONELY = fact("pets", "No cats or dogs.", 8)
FEW = fact("pay", "Cash or card.", 2)
PAGE = [Example(f"What is on line {n}?", f"Word {n}.", ("Page: words.",), f"p{n}", "page") for n in range(6)]
LOOSE = [Example(f"Is {n} even?", "Yes.", id=f"l{n}") for n in (2, 4)]
OTHERS = [row for n in range(9) for row in fact(f"thing {n}", f"It is {n} o'clock.", 1)]
ALL = [*KIN, *OTHERS, *LONELY, *FEW, *PAGE, *LOOSE]
HINT = "answers hang less on the wording, and as they take turns, it takes little longer."


def shown(rows: list[Example], epoch: int, seed: int = 0) -> list[Example]:
    return [row for row, now in zip(rows, in_turn(rows, seed, epoch), strict=True) if now]


def names(rows: list[Example], group: str) -> list[str]:
    return [row.id for row in rows if row.group == group]


def test_each_wording_of_a_fact_has_its_turn() -> None:
    for group, most in ((KIN[0].group, ALIKE), ("pets", ALONE)):
        rounds = [names(shown(ALL, epoch), group) for epoch in range(8)]
        counts = Counter(name for found in rounds for name in found)
        assert {len(found) for found in rounds} == {most} and counts == dict.fromkeys(names(ALL, group), most)


def test_the_turns_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    assert shown(ALL, 0) == shown(ALL, 0) != shown(ALL, 1)
    assert shown(ALL, 0) != shown(ALL, 0, seed=1)


def test_few_wordings_other_answers_and_rows_without_a_group_are_always_shown() -> None:
    for epoch in range(3):
        found = shown(ALL, epoch)
        assert [row for row in found if row in FEW + PAGE + LOOSE] == FEW + PAGE + LOOSE


def test_facts_are_alike_by_their_words_beside_the_house_style() -> None:
    assert stated_alike([*KIN[::8], *OTHERS, LONELY[0], FEW[0]]) == [True] * 18 + [False] * 2
    assert stated_alike(KIN[::8]) == [False] * 9  # of a file of one kind nobody can tell the kind from the style
    assert stated_alike([]) == []


def test_the_lessons_of_an_epoch_follow_the_turns() -> None:
    for epoch in range(3):
        found = {lesson.id for lesson in epoch_lessons(ALL, RECIPES["sft"], 5, epoch)}
        assert found == {row.id for row in shown(ALL, epoch, 5)}


def test_few_wordings_of_a_fact_are_told() -> None:
    few = [row for name in ("Holt", "Marsh", "Quill", "Brandt") for row in fact(name, f"At {name}.", 3)]
    assert split(few).how.endswith("in 3.0 wordings on average. Ask in more: " + HINT)
    assert split(LONELY, by="forms").how.endswith("A fact is asked in 8.0 wordings on average.")
    assert "wordings" not in split(PAGE + LOOSE, by="groups").how
