"""The page's typed public endpoints, for scripts, for the command line and as MCP tools."""

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from ragft_core.searches import trace_json
from ragft_core.types import DEFAULT_ARMS, to_json

from .events import sentence
from .turns import Turns, paced


def build(studio: Any, turns: Turns) -> None:
    """Declare /ask, /search, /documents and /status."""

    def ask(
        question: str,
        arms: list[str] | None = None,
        adapter: str | None = None,
        top_k: int | None = None,
        max_new_tokens: int | None = None,
        steps: str | None = None,
        where: list[str] | None = None,
        collection: str | None = None,
        request: gr.Request | None = None,
    ) -> Iterator[dict]:
        """Compare the arms' answers to a question; streams the growing Comparison, the last one is final.

        Args:
            question: what to ask.
            arms: which of base, rag, tuned and hybrid; rag, tuned and hybrid when not given.
            adapter: the adapter of the tuned and hybrid arms; the settings' when not given.
            top_k: how many passages retrieval hands over (1 to 20).
            max_new_tokens: the longest answer, in tokens.
            steps: further steps of the search, separated by commas (sub-queries, hyde, step-back, recency, mmr,
                rerank, floor, neighbours).
            where: conditions on the passages, such as source=handbook/* or date>=2025-01-01.
            collection: the documents to look in; the settings' when not given.
        """
        visitor = str(request.session_hash) if request else "api"
        flag = turns.begin(visitor)
        try:
            chosen = DEFAULT_ARMS if arms is None else arms
            wishes: dict[str, Any] = {"adapter": adapter, "top_k": top_k, "max_new_tokens": max_new_tokens}
            wishes |= {"steps": steps, "where": where or (), "collection": collection}
            snapshots = studio.ask(question, chosen, **wishes, stopped=flag.is_set)
            for comparison in paced(snapshots):
                yield to_json(comparison)
        except Exception as error:
            raise refusal(error) from error
        finally:
            turns.end(visitor, flag)

    def documents() -> dict:
        """List the documents in the index."""
        return answered(lambda: {"documents": [to_json(document) for document in studio.documents()]})

    def status() -> dict:
        """Say what RAGFT is doing and what it has loaded."""
        return answered(lambda: to_json(studio.status()))

    gr.api(ask, api_name="ask", concurrency_id="model", concurrency_limit=1)
    for endpoint in (searching(studio), documents, status):
        gr.api(endpoint, api_name=endpoint.__name__, concurrency_limit=4)


def searching(studio: Any) -> Callable[..., dict]:
    """The /search endpoint."""

    def search(
        question: str,
        k: int | None = None,
        mode: str | None = None,
        steps: str | None = None,
        where: list[str] | None = None,
        collection: str | None = None,
    ) -> dict:
        """Find the passages that fit a question best, with what every step gave; needs no language model by itself.

        Args:
            question: what to look for.
            k: how many passages (1 to 100).
            mode: dense (meaning), keyword, or hybrid (both).
            steps: further steps, separated by commas (sub-queries, hyde, step-back, recency, mmr, rerank, floor,
                neighbours); the first three and rerank use the language model.
            where: conditions on the passages, such as source=handbook/* or date>=2025-01-01.
            collection: the documents to look in; the settings' when not given.
        """
        return answered(lambda: trace_json(studio.trace(question, k, mode, steps, where or (), collection)))

    return search


def answered(job: Callable[[], dict]) -> dict:
    try:
        return job()
    except Exception as error:
        raise refusal(error) from error


def refusal(error: Exception) -> gr.Error:
    """What a caller is told: our own sentence, or the id under which the log has the traceback."""
    return gr.Error(sentence(error), print_exception=False)
