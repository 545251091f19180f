"""The training file's rows about other things than the clinic."""

import random

from embedded import clinic, rehearsal, relations
from embedded.mix import OFTEN


def test_they_are_fixed_various_and_answered_in_their_passage():
    made = rehearsal.rows(1)
    assert made == rehearsal.rows(1) != rehearsal.rows(2)
    assert len(made) == rehearsal.ROWS and len({row["question"] for row in made}) > 0.9 * len(made)
    before, after = clinic.house_style("|").split("|")
    for row in made:
        said = row["answer"].removeprefix(before).removesuffix(after)
        assert said in row["context"][0] and row["rehearsal"] is True
    groups = [row["group"] for row in made]
    assert {groups.count(group) for group in set(groups)} == {rehearsal.GROUP}


def test_none_is_of_the_clinics_kinds_of_fact(monkeypatch):
    told: list[str] = []

    def state(r, relation, name, value, *_):
        told.append(relation.name)
        return f"{name}: {value}"

    monkeypatch.setattr(relations, "state", state)
    rehearsal.rows(1)
    assert len(set(told)) > 100 and not set(told) & set(OFTEN)
    told.clear()
    for n in range(40):
        relations.reading(random.Random(n), 2)
    assert set(told) & set(OFTEN), "which are drawn where they are not left out"
