"""The steps of a search: each does what it says, says what it did, and harms nothing when it cannot."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragft_core.errors import ModelError, QuestionError
from ragft_core.request import checked_search
from ragft_core.retrieval.order import diverse
from ragft_core.retrieval.queries import transformed
from ragft_core.searches import STEPS, Search, Trace, trace_from_json, trace_json, trace_lines
from ragft_core.settings import Settings
from ragft_core.testing import EchoEngine
from ragft_core.types import Draft, Row

from .test_retrieval import Desk

PAGES = {
    "shot": "# Flu shot\nThe flu shot costs 23 euros.",
    "holt": "# Dr. Holt\nDr. Holt sees patients in room 14.",
    "hours": "# Hours\n## Week\nWe open at eight.\n## Sunday\nWe are closed.",
}


class Scripted(EchoEngine):
    """Writes the same text whatever it is asked."""

    def __init__(self, text: str, error: str = "") -> None:
        super().__init__()
        self.text, self.error, self.asked = text, error, list[str]()

    def stream(self, rows: list[Row], decoding: Any) -> Iterator[tuple[Draft, ...]]:
        self.asked.append(rows[0].messages[-1]["content"])
        yield (Draft(self.text, state="failed" if self.error else "done", error=self.error),)


def no_model() -> Any:
    raise AssertionError("no step needs the model")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.write(**PAGES)
    desk.add()
    yield desk
    desk.close()


def ask(desk: Desk, question: str, *steps: str, k: int = 4, where: tuple[str, ...] = (), model: Any = None) -> Trace:
    search = Search(k, "hybrid", steps, where)
    return desk.index.trace(question, search, (lambda: model) if model else no_model)


def stage(trace: Trace, name: str) -> Any:
    return next(stage for stage in trace.stages if stage.name == name)


# -------------------------------------------------------------------- the plain search


def test_a_search_shows_its_stages_and_needs_no_model(desk: Desk) -> None:
    trace = ask(desk, "What does the flu shot cost?")
    assert [stage.name for stage in trace.stages] == ["dense", "keyword", "fused"]
    assert [query.kind for query in trace.queries] == ["question"]
    assert trace.passages == tuple(desk.index.search("What does the flu shot cost?", 4))
    assert set(trace.seen) >= {key for stage in trace.stages for key in stage.scores}
    for one in trace.stages:
        assert list(one.scores.values()) == sorted(one.scores.values(), reverse=True)
    assert trace.seconds >= sum(stage.seconds for stage in trace.stages) > 0


def test_a_trace_survives_json_and_reads_well(desk: Desk) -> None:
    trace = ask(desk, "When is Sunday?", "mmr", "floor")
    again = trace_from_json(trace_json(trace))
    assert again.passages == trace.passages and again.queries == trace.queries
    assert [(s.name, dict(s.scores), s.dropped) for s in again.stages] == [
        (s.name, dict(s.scores), s.dropped) for s in trace.stages
    ]
    lines = "\n".join(trace_lines(trace))
    assert "question: When is Sunday?" in lines and "hours.md | Hours: Sunday | We are closed." in lines


# -------------------------------------------------------------------- query transformation


@pytest.mark.parametrize("kind", ["sub-queries", "hyde", "step-back"])
def test_what_the_model_writes_is_searched_for_too(desk: Desk, kind: str) -> None:
    plain = ask(desk, "euros for a patient?", k=1)
    model = Scripted("Dr. Holt sees patients in room 14")
    trace = ask(desk, "euros for a patient?", kind, model=model)
    assert [query.kind for query in trace.queries] == ["question", kind]
    assert model.asked == ["euros for a patient?"]
    assert "holt.md" in [passage.source for passage in trace.passages[:2]] and plain.passages[0].source == "shot.md"
    words = stage(trace, "keyword").scores
    holt = next(key for key, passage in trace.seen.items() if passage.source == "holt.md")
    assert (words[holt] > stage(plain, "keyword").scores[holt]) == (kind != "hyde")  # its words are made up


def test_sub_queries_are_lines_without_their_marks() -> None:
    model = Scripted(
        "1. What is A like?\n- What is B like?\nwhat is a LIKE\n\n* (no)\nWhat is C like?\nWhat is D like?"
    )
    queries, note = transformed("sub-queries", "A or B or C, what are they like?", lambda: model)
    assert [query.text for query in queries] == ["What is A like?", "What is B like?", "What is C like?"] and not note


@pytest.mark.parametrize("text", ["", "?", "  What does it COST ", "word", "x cost " * 200, "I do not know that."])
def test_useless_words_leave_the_plain_question(desk: Desk, text: str) -> None:
    trace = ask(desk, "what does it cost?", "step-back", model=Scripted(text))
    assert [query.kind for query in trace.queries] == ["question"]
    assert "plain question" in stage(trace, "step-back").note
    assert trace.passages == ask(desk, "what does it cost?").passages


def test_a_model_that_fails_leaves_the_plain_question(desk: Desk) -> None:
    def broken() -> Any:
        raise ModelError("There is no model.")

    for model in (broken, lambda: Scripted("", "Out of memory.")):
        trace = desk.index.trace("the flu shot?", Search(3, "hybrid", ("hyde", "rerank")), model)
        assert trace.passages[0].source == "shot.md"
        assert "plain question" in stage(trace, "hyde").note
    assert "left as it was" in stage(desk.index.trace("shot", Search(3, "dense", ("rerank",)), broken), "rerank").note


# -------------------------------------------------------------------- ordering


def test_variety_pushes_repetitions_down() -> None:
    near = {"a": np.array([1.0, 0.0]), "b": np.array([1.0, 0.01]), "c": np.array([0.0, 1.0])}
    ranked = {"a": 1.0, "b": 0.9, "c": 0.5}
    assert list(diverse(ranked, near, 1.0)) == ["a", "b", "c"]
    assert list(diverse(ranked, near, 0.5)) == ["a", "c", "b"]
    assert diverse({}, {}, 0.5) == {}
    assert list(diverse({"x": 0.2, "y": 0.2}, {}, 0.5)) == ["x", "y"]


def test_variety_keeps_every_passage(desk: Desk) -> None:
    plain, spread = ask(desk, "room on Sunday"), ask(desk, "room on Sunday", "mmr")
    assert {p.id for p in plain.passages} == {p.id for p in spread.passages}
    assert all("mmr" in passage.scores for passage in spread.passages)


def test_the_reranker_orders_by_how_well_a_passage_explains_the_question(tmp_path: Path) -> None:
    desk = Desk(tmp_path, rerank_fused=False)
    desk.write(**PAGES)
    desk.add()

    class Likes14(EchoEngine):
        def likelihoods(self, question: str, texts: list[str]) -> list[float]:
            return [float("14" in text) for text in texts]

    trace = ask(desk, "What does the flu shot cost?", "rerank", model=Likes14())
    assert trace.passages[0].source == "holt.md" and trace.passages[0].scores["rerank"] == 1.0
    assert "read by the language model" in stage(trace, "rerank").note
    desk.close()


def test_the_reranker_reads_the_best_and_drops_the_rest(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragft_core.retrieval.pipeline.RERANKED", 2)
    trace = ask(desk, "flu shot room", "rerank", k=2, model=EchoEngine())
    assert len(trace.passages) == 2 and len(stage(trace, "rerank").dropped) == desk.index.size - 2
    assert "fused with the one before" in stage(trace, "rerank").note


def test_newer_passages_go_up(tmp_path: Path) -> None:
    desk = Desk(tmp_path, recency_field="Date", recency_days=30)
    old, new = "date: 2019-01-05\n\nThe shot costs 20 euros now.", "date: 2025-01-05\n\nThe shot costs 23 euros."
    desk.write(old=old, new=new)
    desk.add()
    assert ask(desk, "The shot costs 20 euros now").passages[0].source == "old.md"
    trace = ask(desk, "The shot costs 20 euros now", "recency")
    assert trace.passages[0].source == "new.md"
    assert "2 of 2 have a date in the field Date" in stage(trace, "recency").note
    desk.close()


def test_without_dates_nothing_changes(tmp_path: Path) -> None:
    desk = Desk(tmp_path, recency_field="Date")
    desk.write(**PAGES)
    desk.add()
    plain, trace = ask(desk, "flu shot"), ask(desk, "flu shot", "recency")
    assert [p.id for p in plain.passages] == [p.id for p in trace.passages]
    assert "No passage has a date" in stage(trace, "recency").note
    desk.close()


# -------------------------------------------------------------------- evidence


def test_far_passages_are_told_and_with_the_floor_dropped(tmp_path: Path) -> None:
    desk = Desk(tmp_path, evidence_floor=0.5)
    desk.write(**PAGES)
    desk.add()
    near, far = "The flu shot costs 23 euros", "zebras graze quietly"
    assert not ask(desk, near).low_evidence
    assert "Low evidence" in ask(desk, far).low_evidence and len(ask(desk, far).passages) == 4
    floored = ask(desk, near, "floor")
    assert floored.passages and all(p.scores["floor"] >= 0.5 for p in floored.passages)
    assert len(stage(floored, "floor").dropped) == 4 - len(floored.passages)
    nothing = ask(desk, far, "floor")
    assert nothing.passages == () and "Low evidence" in nothing.low_evidence
    assert not desk.index.trace(far, Search(3, "keyword"), no_model).low_evidence  # it cannot tell
    desk.close()


# -------------------------------------------------------------------- neighbours and conditions


def test_neighbours_come_along_under_the_same_heading(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    lines = [f"Sentence number {n} speaks about topic{n} at some length, as they will." for n in range(9)]
    desk.write(long="# One\n" + " ".join(lines) + "\n# Two\nAnother heading stands here.")
    desk.add()
    (plain,) = ask(desk, "topic4", k=1).passages
    (wide,) = ask(desk, "topic4", "neighbours", k=1).passages
    assert wide.id == plain.id and plain.text in wide.text and len(wide.text) > len(plain.text)
    assert "Another heading" not in wide.text and wide.text.replace("\n", " ") in " ".join(lines)
    desk.close()


@pytest.mark.parametrize(
    ("where", "sources"),
    [
        ("source=h*", {"holt.md", "hours.md"}),
        ("title != Hours", {"shot.md", "holt.md"}),
        ("added>=2020-01-01", {"shot.md", "holt.md", "hours.md"}),
        ("added <= 2020-01-01", set()),
        ("colour=red", set()),
    ],
)
def test_only_passages_that_fulfil_the_conditions_are_found(desk: Desk, where: str, sources: set[str]) -> None:
    trace = ask(desk, "Is the room open on Sunday?", where=(where,))
    assert {passage.source for passage in trace.passages} == sources
    assert f"of 4 passages fulfil {where}" in trace.stages[0].note


def test_rows_of_a_table_can_be_chosen_by_a_column(desk: Desk) -> None:
    (desk.docs / "prices.csv").write_text("item,price\nflu shot,23\nblood test,45\nX-ray,80\n")
    desk.add()
    wanted = {"price>=40": {"blood test", "X-ray"}, "item=flu*": {"flu shot"}, "price<=23": {"flu shot"}}
    for where, items in wanted.items():
        found = ask(desk, "what does it cost", where=(where,), k=9).passages
        assert {line.partition(": ")[2] for p in found for line in p.text.splitlines() if "item" in line} == items


def test_many_fitting_passages_are_found_through_the_index(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = ask(desk, "room on Sunday", where=("source=h*",))
    monkeypatch.setattr("ragft_core.retrieval.pipeline.EXACT", 0)
    assert [p.id for p in ask(desk, "room on Sunday", where=("source=h*",)).passages] == [p.id for p in exact.passages]


# -------------------------------------------------------------------- wishes


def test_steps_are_read_from_a_list() -> None:
    settings = Settings(steps="mmr")
    assert checked_search(settings).steps == ("mmr",)
    search = checked_search(settings, steps="neighbours, RERANK,dense")
    assert (search.mode, search.steps) == ("dense", ("rerank", "neighbours"))
    assert checked_search(settings, steps=["keyword", "dense"], mode="dense").mode == "hybrid"
    assert checked_search(settings, steps="").steps == ()
    assert set(checked_search(settings, steps=list(STEPS)).steps) == set(STEPS)


@pytest.mark.parametrize(
    ("steps", "where"), [("telepathy", ()), (["mmr", "?"], ()), ("", ("nonsense",)), ("", ("=x",))]
)
def test_wrong_wishes_are_refused_with_the_choice(steps: Any, where: tuple[str, ...]) -> None:
    with pytest.raises(QuestionError, match=r"choose among dense|cannot be read"):
        checked_search(Settings(), steps=steps, where=where)
