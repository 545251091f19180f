"""Tiny lookups: what they ask is in their passages or nowhere, and cannot be guessed from the questions before."""

import random

import pytest

from embedded import ladder
from embedded.mix import GROWING, Mix
from embedded.probes import lookup_probes


@pytest.mark.parametrize("make", ladder.RUNGS.values())
def test_passages_hold_several_things_and_no_question_comes_twice(make):
    r, shared = random.Random(8), 0
    for _ in range(60):
        exercise = make(r, 4)
        known = [i for i in exercise.items if i.passage is not None]
        shared += len(known) > len({i.passage for i in known})
        assert all(p.sentences and p.sentences != ["."] for p in exercise.passages)
        assert len({i.question for i in exercise.items}) == len(exercise.items)
        for item in known:
            assert item.sentence in exercise.passages[item.passage].sentences
            assert item.quote(short=True)
    assert shared > 8


def test_a_name_that_is_asked_for_in_vain_stands_nowhere():
    r, missing = random.Random(9), 0
    for _ in range(30):
        exercise = ladder.told(r, 4)
        known = {i.question: i.sentence.removesuffix(f" {i.value}.") for i in exercise.items if i.passage is not None}
        for item in exercise.items:
            if item.passage is None:
                assert item.question not in known
                missing += 1
        assert len(set(known.values())) == len(known)  # and no name stands for two things
    assert missing > 20


def test_names_differ_in_one_word_now_and_then():
    r = random.Random(10)
    near = 0
    for _ in range(300):
        words = [key.split() for key in ladder.keys(r, 4)]
        assert len({" ".join(w) for w in words}) == 4
        near += any(
            len({w[at] for w in words}) == 1 != len(words[0]) and words[0][at] != "the" for at in range(len(words[0]))
        )
    assert 15 < near < 90


def test_there_are_fewer_where_there_are_no_more():
    assert ladder.distinct(lambda: "one", 3) == ["one"]


@pytest.mark.parametrize("rung", ladder.RUNGS)
def test_probes_name_the_passage_that_holds_the_value(rung):
    for probe in lookup_probes(rung, 20, 4):
        assert probe.gold[0].lower() in probe.passages[probe.number - 1].text(False).lower()
    assert all(not probe.gold and not probe.number for probe in lookup_probes(rung, 5, 4, known=False))


def test_the_mix_has_as_many_as_it_is_told(monkeypatch):
    made = []
    monkeypatch.setattr(ladder, "reading", lambda r: made.append(1) or ladder.told(r, 2))
    for share, least, most in ((0.0, 0, 0), (0.5, 25, 75), (1.0, 100, 100)):
        mix, r = Mix(None, None, True, share), random.Random(3)
        made.clear()
        for _ in range(100):
            mix.draw(r, GROWING)
        assert least <= len(made) <= most
