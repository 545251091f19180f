"""Rows about other things keep up the reading: shown with their passages, never without, and never held out."""

import json
from pathlib import Path

import pytest

from ragft_core.examples import RECIPES, Example, epoch_lessons, probe_lessons, read
from ragft_core.examples.check import check, clean_copy
from ragft_core.examples.passages import with_passages
from ragft_core.examples.split import split

FACTS = [
    Example(f"Where is {name}{form}?", f"{name} is in room {n}.", (f"{name}: {name} is in room {n}.",), group=name)
    for n, name in enumerate(("Holt", "Marsh", "Quill", "Brandt", "Drewe"))
    for form in ("", " today", " on Mondays", " as a rule")
]
OTHERS = [
    Example(f"What grows on hill {n}?", f"Wine grows on hill {n}.", (f"Hills: Wine grows on hill {n}.",), f"o{n}",
            rehearsal=True) for n in range(12)
]  # fmt: skip


def test_they_are_shown_with_their_passages_only() -> None:
    rows = with_passages([*FACTS, *OTHERS])
    found = [lesson for epoch in range(8) for lesson in epoch_lessons(rows, RECIPES["raft"], 0, epoch)]
    about = [lesson for lesson in found if lesson.id.startswith("o")]
    assert 20 < len(about) < 60 and {lesson.kind for lesson in about} == {"golden"}
    for lesson in about:
        row = next(row for row in OTHERS if row.id == lesson.id)
        assert row.context[0] in lesson.messages[-1]["content"] and row.question in lesson.messages[-1]["content"]
        assert lesson.answer.startswith(row.answer[:-1]) and "[" in lesson.answer
    assert not any(lesson.id.startswith("o") for lesson in epoch_lessons(rows, RECIPES["sft"], 0, 0))
    assert len(probe_lessons(rows[:1], RECIPES["raft"])) == 2


def test_all_of_them_are_trained_on_and_the_rest_is_split_as_ever() -> None:
    parts, plain = split([*OTHERS, *FACTS]), split(FACTS)
    assert (parts.validation, parts.test, parts.how) == (plain.validation, plain.test, plain.how)
    assert parts.train == plain.train + tuple(OTHERS)
    assert split(OTHERS).train == tuple(OTHERS) and not split(OTHERS).validation


def test_they_are_read_written_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    told = {"question": "What grows here?", "answer": "Wine does.", "context": ["Hills: Wine does."], "rehearsal": True}
    bad = [told | {"context": []}, told | {"rehearsal": "sometimes"}]
    path.write_text("\n".join(map(json.dumps, [told, *bad])))
    reading = read(path)
    assert [row.rehearsal for row in reading.rows] == [True]
    assert [problem.line for problem in reading.problems] == [2, 3]
    assert "passages" in reading.problems[0].message and "true or false" in reading.problems[1].message
    clean_copy(check(path), tmp_path / "clean.jsonl")
    assert json.loads((tmp_path / "clean.jsonl").read_text())["rehearsal"] is True
    assert Example.from_json(reading.rows[0].to_json()) == reading.rows[0]


@pytest.mark.parametrize("recipe", ["sft", "raft"])
def test_a_file_of_nothing_else_teaches_nothing_without_passages(recipe: str) -> None:
    lessons = epoch_lessons(with_passages(OTHERS), RECIPES[recipe], 0, 0)
    assert bool(lessons) is (recipe == "raft")
