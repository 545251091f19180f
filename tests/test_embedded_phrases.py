"""Values of several words, and which things the reading exercises are about."""

import random

import pytest

from embedded import relations
from embedded.kinds import VALUES
from embedded.mix import OFTEN


@pytest.mark.parametrize("kind", ["sign", "clause2", "todo", "food2", "floor"])
def test_phrases_are_many_and_clean(kind):
    drawn = [VALUES[kind](random.Random(n)) for n in range(80)]
    assert len(set(drawn)) > 30
    assert all(value == value.strip() and "  " not in value and "{" not in value for value in drawn)


def test_a_floor_says_where():
    assert all(VALUES["floor"](random.Random(n)).startswith("the ") for n in range(80))


def test_every_other_exercise_states_what_is_wanted_often(monkeypatch):
    monkeypatch.setattr(relations, "state", lambda r, relation, *_: relation.name)
    r = random.Random(5)

    def share(*often: str) -> float:
        told = [relations.reading(r, 2, often=often).passages for _ in range(300)]
        return sum(any("cause" in passage.sentences for passage in passages) for passages in told) / len(told)

    assert share() < 0.1 and 0.3 < share("cause") < 0.65
    assert set(OFTEN) <= set(relations.by_name())
