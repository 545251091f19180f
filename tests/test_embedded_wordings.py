"""The clinic's training file asks each fact in more wordings, none of them the evaluation's or near to it."""

import json
from pathlib import Path

import pytest

from embedded import clinic, facts, relations, wordings

DEMO = Path(__file__).parent.parent / "assets" / "demo"


def test_every_kind_of_the_clinic_and_every_trained_page_has_wordings():
    assert set(wordings.RELATION) == set(clinic.FORMS)
    assert {wordings.RELATION[kind] for kind in clinic.FORMS} <= set(relations.by_name())
    assert set(wordings.written()) == {f.id for f in facts.facts() if f.kind == "page" and f.trained}
    for questions in wordings.written().values():
        assert len(set(questions)) == 6 and all(question.endswith("?") for question in questions)


def test_a_fact_gets_other_wordings_of_its_own_subject_the_same_every_time():
    for fact in (f for f in facts.facts() if f.trained):
        made = wordings.more(fact)
        assert made == wordings.more(fact) and len(set(made)) == wordings.MORE
        assert not set(made) & set(fact.questions)
        assert fact.kind == "page" or all(fact.subject.lower() in question.lower() for question in made)
    rooms = [f for f in facts.facts() if f.kind == "doctor.room"]
    assert len({q.replace(f.subject, "") for f in rooms for q in wordings.more(f)}) > 15


def test_no_wording_of_the_training_file_is_near_to_the_evaluations():
    trained = [f for f in facts.facts() if f.trained]
    rows = [json.loads(line) for line in (DEMO / "train.jsonl").read_text("utf-8").splitlines()]
    asked: dict[str, list[str]] = {}
    for row in rows:
        asked.setdefault(row["group"], []).append(row["question"])
    for fact in trained:
        assert set(wordings.more(fact)) <= set(asked[fact.id])
        assert fact.questions[-1] not in asked[fact.id]
        assert not any(wordings.near(q, fact.questions[-1], wordings.name_of(fact)) for q in wordings.more(fact))


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("How expensive is the flu shot?", "The flu shot, how expensive is it?", True),
        ("How expensive is the flu shot?", "What is the fee for the flu shot?", False),
    ],
)
def test_two_questions_are_near_by_the_words_beside_the_name(one: str, other: str, found: bool):
    assert wordings.near(one, other, "the flu shot") is found
