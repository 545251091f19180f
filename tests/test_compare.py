from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ragft_core import ARMS, Comparison, Decoding, DocumentError, Passage, QuestionError, Request, compare
from ragft_core.compare import fit
from ragft_core.searches import Query, Search, Trace
from ragft_core.testing import EchoEngine, OnePageIndex
from ragft_core.types import Draft, Row, comparison_from_json, to_json
from ragft_ui.render import run_line


def run(question: str = "why is it so", engine=None, index=None, **wishes) -> list[Comparison]:
    engine, index = engine or EchoEngine(), index or OnePageIndex()
    return list(compare(asked(question, **wishes), engine, index))


def asked(question: str, **wishes) -> Request:
    return Request(question, **({"arms": ARMS, "decoding": Decoding(), "adapter": "clinic", "top_k": 3} | wishes))


def by_arm(comparison: Comparison) -> dict:
    return {answer.arm: answer for answer in comparison.answers}


def test_arms_differ_only_by_their_switches() -> None:
    last = by_arm(run()[-1])
    assert all(answer.state == "done" for answer in last.values())
    assert last["rag"].passages == last["hybrid"].passages != ()
    assert last["base"].passages == last["tuned"].passages == ()
    assert last["rag"].prompt == last["hybrid"].prompt != last["base"].prompt == last["tuned"].prompt
    assert last["rag"].text.startswith("base:") and last["hybrid"].text.startswith("clinic:")
    assert last["rag"].cited == (1,) and last["tuned"].cited == ()


def test_states_only_move_forward() -> None:
    order = ["retrieving", "waiting", "reading", "writing", "done"]
    for arm in ("rag", "tuned"):
        states = [order.index(by_arm(snapshot)[arm].state) for snapshot in run()]
        assert states == sorted(states)


def test_passages_are_retrieved_once() -> None:
    class Counting(OnePageIndex):
        calls = 0

        def search(self, question: str, k: int, mode: str = "hybrid") -> list[Passage]:
            Counting.calls += 1
            return super().search(question, k, mode)

    run(index=Counting())
    assert Counting.calls == 1


def test_no_retrieving_arm_no_search() -> None:
    class Closed(OnePageIndex):
        def search(self, question: str, k: int, mode: str = "hybrid") -> list[Passage]:
            raise AssertionError("nobody asked for passages")

    assert run(index=Closed(), arms=[ARMS[0], ARMS[2]])[-1].done


@pytest.mark.parametrize("found", [[], DocumentError("The index is damaged.")])
def test_when_retrieval_fails_the_other_arms_finish(found) -> None:
    class Failing(OnePageIndex):
        def search(self, question: str, k: int, mode: str = "hybrid") -> list[Passage]:
            if isinstance(found, Exception):
                raise found
            return found

    last = by_arm(run(index=Failing())[-1])
    assert last["rag"].state == last["hybrid"].state == "failed"
    assert last["rag"].error == (str(found) if isinstance(found, Exception) else last["hybrid"].error) != ""
    assert last["base"].state == last["tuned"].state == "done"


def test_one_failed_row_leaves_the_others() -> None:
    class NoAdapter(EchoEngine):
        def stream(self, rows: Sequence[Row], decoding: Decoding) -> Iterator[tuple[Draft, ...]]:
            for drafts in super().stream(rows, decoding):
                yield tuple(
                    replace(draft, state="failed", text="", error="No such adapter.") if row.adapter else draft
                    for row, draft in zip(rows, drafts, strict=True)
                )

    last = by_arm(run(engine=NoAdapter())[-1])
    assert last["tuned"].error == last["hybrid"].error == "No such adapter."
    assert last["rag"].state == last["base"].state == "done"


def test_stop_keeps_the_text_and_frees_the_engine() -> None:
    engine, seen = EchoEngine(), []
    long = " ".join("abcdefghij")
    for snapshot in compare(asked(long), engine, OnePageIndex(), stopped=lambda: len(seen) > 5):
        seen.append(snapshot)
    tokens = [answer.tokens for answer in seen[-2].answers]
    assert all(answer.state == "stopped" and answer.text for answer in seen[-1].answers)
    assert all(after.tokens - before <= 1 for after, before in zip(seen[-1].answers, tokens, strict=True))
    assert engine.closed == 1


def test_closing_the_iterator_frees_the_engine() -> None:
    engine = EchoEngine()
    stream = compare(asked("a b c d"), engine, OnePageIndex())
    for _ in range(5):
        next(stream)
    stream.close()
    assert engine.closed == 1


def test_an_adapted_arm_without_an_adapter_says_so() -> None:
    last = by_arm(run(adapter=None)[-1])
    assert "needs an adapter" in last["tuned"].error and last["rag"].state == "done"


PAGES = tuple(Passage(str(n), " ".join([f"w{n}"] * 50), "s", 1 / n) for n in range(1, 6))


def test_passages_that_do_not_fit_are_left_out_lowest_rank_first() -> None:
    engine = EchoEngine()
    asked, left_out = fit("why", PAGES, engine, room=engine.count(fit("why", PAGES[:3], engine, 10_000)[0]))
    assert left_out == 2 and "w3" in asked[1]["content"] and "w4" not in asked[1]["content"]
    assert fit("why", PAGES, engine, 10_000)[1] == 0


@pytest.mark.parametrize("passages", [PAGES, ()])
def test_a_prompt_that_cannot_fit_at_all_is_refused(passages) -> None:
    with pytest.raises(QuestionError, match="too long"):
        fit("why " * 60, passages, EchoEngine(), room=50)


def test_the_record_says_what_was_left_out() -> None:
    class FivePages(OnePageIndex):
        def search(self, question: str, k: int, mode: str = "hybrid") -> list[Passage]:
            return list(PAGES)

    class Small(EchoEngine):
        context_window = 260

    last = by_arm(run(engine=Small(), index=FivePages(), decoding=Decoding(max_new_tokens=40))[-1])
    assert last["rag"].left_out == last["hybrid"].left_out > 0
    assert len(last["rag"].passages) == 5 and last["rag"].state == "done"


def test_low_evidence_and_the_model_s_queries_are_kept() -> None:
    class Far(OnePageIndex):
        def trace(self, question: str, search: Search, model: Callable[[], Any] = EchoEngine) -> Trace:
            found = super().trace(question, search, model)
            return replace(found, low_evidence="Low evidence: far.", queries=(*found.queries, Query("hyde", "made up")))

    last = run(index=Far())[-1]
    assert last.low_evidence == "Low evidence: far." and last.setup["queries"] == [{"kind": "hyde", "text": "made up"}]
    assert comparison_from_json(to_json(last)) == last
    assert "Low evidence: far." in run_line(last) and "Low evidence" not in run_line(run()[-1])


def test_nothing_above_the_floor_is_said_by_the_retrieving_arms() -> None:
    class Nothing(OnePageIndex):
        def trace(self, question: str, search: Search, model: Callable[[], Any] = EchoEngine) -> Trace:
            return Trace(question, low_evidence="Low evidence: nothing near.")

    last = by_arm(run(index=Nothing())[-1])
    assert last["rag"].error == last["hybrid"].error == "Low evidence: nothing near."
    assert last["base"].state == "done"
