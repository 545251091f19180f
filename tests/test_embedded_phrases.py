"""Values of several words, and which things the reading exercises are about."""

import random

import pytest

from embedded import relations
from embedded.kinds import VALUES


@pytest.mark.parametrize("kind", ["sign", "clause2", "todo", "food2", "floor"])
def test_phrases_are_many_and_clean(kind):
    drawn = [VALUES[kind](random.Random(n)) for n in range(80)]
    assert len(set(drawn)) > 30
    assert all(value == value.strip() and "  " not in value and "{" not in value for value in drawn)


def test_a_floor_says_where():
    assert all(VALUES["floor"](random.Random(n)).startswith("the ") for n in range(80))


def test_every_other_exercise_is_about_what_is_wanted_often(monkeypatch):
    monkeypatch.setitem(relations.ENTITIES, "trouble2", lambda r: f"the {r.choice('abcdefgh')} ache")
    r = random.Random(5)

    def share(*often: str) -> float:
        titles = [relations.reading(r, 1, often=often).passages[0].title for _ in range(300)]
        return sum(title.endswith(" ache") for title in titles) / len(titles)

    assert share() < 0.1 and 0.4 < share("trouble2") < 0.65
