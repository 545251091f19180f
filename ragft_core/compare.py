"""A question becomes streamed answers, one per arm.

Knows nothing of screens, files or weights: it is given an engine and an index and yields whole snapshots.
"""

import time
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from .errors import QuestionError, RagftError
from .prompts import cited, messages
from .request import Request
from .searches import Search, Trace
from .types import Answer, Comparison, Decoding, Draft, Message, Passage, Row

NO_PASSAGE = "The index has no passage for this question. Add documents first (Documents tab)."


class Engine(Protocol):
    """What writes. `engine.Engine` is the real one, `testing.EchoEngine` the weightless one."""

    context_window: int

    def count(self, messages: Sequence[Message]) -> int: ...
    def render(self, messages: Sequence[Message]) -> str: ...
    def stream(self, rows: Sequence[Row], decoding: Decoding) -> Generator[tuple[Draft, ...], None, None]: ...


class Index(Protocol):
    """What finds. `retrieval.Index` is the real one, `testing.OnePageIndex` the weightless one."""

    def trace(self, question: str, search: Search, model: Callable[[], Any]) -> Trace: ...


def compare(
    request: Request,
    engine: Engine,
    index: Index,
    setup: Mapping[str, Any] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[Comparison, None, None]:
    """Yield whole snapshots of the comparison as the answers grow; the last one is final.

    Passages are retrieved once, so that every retrieving arm reads the same ones. `stopped` is asked
    between any two tokens; when it says yes the text so far is kept and the last snapshot says "stopped".
    Closing the iterator ends generation at once.
    """
    arms, decoding = request.arms, request.decoding
    answers = tuple(Answer(arm.key, state="retrieving" if arm.retrieves else "waiting") for arm in arms)
    comparison = Comparison(uuid.uuid4().hex[:12], request.question, answers, dict(setup or {}), created=now())
    yield comparison

    comparison = _retrieve(comparison, request, index, engine)
    yield comparison
    if stopped():
        yield stop(comparison)
        return

    comparison, rows = _prompts(comparison, request, engine)
    yield comparison
    writing = [n for n, answer in enumerate(comparison.answers) if not answer.done]
    with closing(engine.stream([rows[n] for n in writing], decoding)) as drafts:
        for step in drafts:
            changed = list(comparison.answers)
            for n, draft in zip(writing, step, strict=True):
                changed[n] = _grown(changed[n], draft)
            comparison = replace(comparison, answers=tuple(changed))
            if stopped() and not comparison.done:
                comparison = stop(comparison)
            yield comparison
            if comparison.done:
                return


def stop(comparison: Comparison) -> Comparison:
    """The same comparison with every unfinished answer marked as stopped, its text kept."""
    answers = tuple(a if a.done else replace(a, state="stopped") for a in comparison.answers)
    return replace(comparison, answers=answers)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _retrieve(comparison: Comparison, request: Request, index: Index, engine: Engine) -> Comparison:
    """Give the passages to the arms that retrieve; when retrieval fails, only those arms fail."""
    if not any(arm.retrieves for arm in request.arms):
        return comparison
    started, found = time.perf_counter(), Trace(request.question)
    try:
        found = index.trace(request.question, request.search, lambda: engine)
        error = "" if found.passages else found.low_evidence or NO_PASSAGE
    except RagftError as failure:
        error = str(failure)
    answers = []
    for arm, answer in zip(request.arms, comparison.answers, strict=True):
        if not arm.retrieves:
            answers.append(answer)
        elif error:
            answers.append(replace(answer, state="failed", error=error))
        else:
            answers.append(replace(answer, state="waiting", passages=found.passages))
    seconds = time.perf_counter() - started
    return replace(
        comparison,
        answers=tuple(answers),
        setup=dict(comparison.setup) | queried(found),
        retrieval_seconds=seconds,
        low_evidence=found.low_evidence,
    )


def queried(found: Trace) -> dict[str, Any]:
    """For the setup: what else was searched for, written by the model."""
    more = [{"kind": query.kind, "text": query.text} for query in found.queries if query.kind != "question"]
    return {"queries": more} if more else {}


def _prompts(comparison: Comparison, request: Request, engine: Engine) -> tuple[Comparison, list[Row]]:
    """The row each arm reads; an arm whose prompt cannot fit fails alone."""
    room = engine.context_window - request.decoding.max_new_tokens
    adapter = request.adapter
    answers, rows = [], []
    for arm, answer in zip(request.arms, comparison.answers, strict=True):
        row = Row((), adapter if arm.adapted else None)
        if arm.adapted and adapter is None and not answer.done:
            answer = replace(answer, state="failed", error="This arm needs an adapter; choose one in the settings.")
        if not answer.done:
            try:
                asked, left_out = fit(request.question, answer.passages, engine, room)
            except QuestionError as error:
                answer = replace(answer, state="failed", error=str(error))
            else:
                row = replace(row, messages=asked)
                answer = replace(answer, state="reading", left_out=left_out, prompt=engine.render(asked))
        answers.append(answer)
        rows.append(row)
    return replace(comparison, answers=tuple(answers)), rows


def fit(question: str, passages: Sequence[Passage], engine: Engine, room: int) -> tuple[tuple[Message, ...], int]:
    """The chat that fits into `room` tokens, and how many passages were left out, lowest rank first."""
    for kept in range(len(passages), 0 if passages else -1, -1):
        asked = messages(question, passages[:kept])
        if engine.count(asked) <= room:
            return asked, len(passages) - kept
    raise QuestionError(
        f"The question{' with even one passage' if passages else ''} is too long: the model reads "
        f"{engine.context_window} tokens and {engine.context_window - room} are kept for the answer. "
        "Ask more briefly, or lower the answer's length."
    )


def _grown(answer: Answer, draft: Draft) -> Answer:
    """The answer with what its row has written since."""
    if answer.done:
        return answer
    return replace(
        answer,
        text=draft.text.lstrip(),  # some templates make every answer begin with a space
        state=draft.state,
        tokens=draft.tokens,
        finish=draft.finish,
        prompt_tokens=draft.prompt_tokens,
        first_token_seconds=draft.first_token_seconds,
        seconds=draft.seconds,
        error=draft.error,
        cited=cited(draft.text, len(answer.passages) - answer.left_out),
    )
