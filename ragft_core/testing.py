"""A model and an index with no weights: for tests of this project, and for tests of programs built on it."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .retrieval.care import Check, Health
from .retrieval.lookup import Piece
from .searches import MODES, Query, Search, Stage, Trace
from .types import Decoding, Draft, FileReport, IndexReport, Message, Passage, Progress, Row


class EchoEngine:
    """Writes back the last line of its prompt, a word at a time, saying whether the adapter is on.

    `delay` seconds pass per word; `closed` counts streams that ended, however they ended.
    """

    context_window = 2048

    def __init__(self, delay: float = 0.0) -> None:
        self.delay, self.closed = delay, 0

    def describe(self) -> dict[str, object]:
        return {"base_model": "echo", "precision": "none", "device": "none"}

    def describe_adapter(self, name: str) -> dict[str, object]:
        return {"adapter_sha256": "none"}

    def count(self, messages: Sequence[Message]) -> int:
        return len(self.render(messages).split())

    def render(self, messages: Sequence[Message]) -> str:
        return "\n".join(f"<{message['role']}> {message['content']}" for message in messages)

    def likelihoods(self, question: str, texts: Sequence[str]) -> list[float]:
        """The share of the question's words that a text has: enough to order passages by."""
        asked = set(question.lower().split())
        return [len(asked & set(text.lower().split())) / max(1, len(asked)) for text in texts]

    def stream(self, rows: Sequence[Row], decoding: Decoding) -> Iterator[tuple[Draft, ...]]:
        started = time.perf_counter()
        words = [_echo(row)[: decoding.max_new_tokens] for row in rows]
        try:
            for step in range(1, max(map(len, words), default=0) + 1):
                time.sleep(self.delay)
                seconds = time.perf_counter() - started
                yield tuple(
                    Draft(
                        text=" ".join(row[:step]),
                        tokens=min(step, len(row)),
                        state="writing" if step < len(row) else "done",
                        finish="" if step < len(row) else "end",
                        prompt_tokens=self.count(read.messages),
                        first_token_seconds=self.delay,
                        seconds=seconds,
                    )
                    for row, read in zip(words, rows, strict=True)
                )
        finally:
            self.closed += 1


def _echo(row: Row) -> list[str]:
    last = row.messages[-1]["content"].splitlines()[-1]
    return [f"{row.adapter or 'base'}:", *last.split(), *(["[1]"] if "Context:" in row.messages[-1]["content"] else [])]


class OnePageIndex:
    """Always finds the same page, whatever is added or forgotten."""

    size = 1
    notices: tuple[str, ...] = ()

    def search(self, question: str, k: int, mode: str = "hybrid") -> list[Passage]:
        scores = {"dense": 0.8, "keyword": 1.2, "fused": 0.9}
        return [
            Passage("p1", "The sky is blue because air scatters blue light.", "sky.md", 0.9, "The sky", None, scores)
        ][:k]

    def trace(self, question: str, search: Search, model: Callable[[], Any] = EchoEngine) -> Trace:
        found = tuple(self.search(question, search.k, search.mode))
        stages = [Stage(name, {p.id: p.scores.get(name, 0.0) for p in found}) for name in MODES[search.mode]]
        seen = {passage.id: passage for passage in found}
        return Trace(question, (Query("question", question),), tuple(stages), found, seen)

    def passages(self, sources: Sequence[str] = ()) -> list[Passage]:
        return [page for page in self.search("", 1) if not sources or page.source in sources]

    def warm(self) -> None:
        """Nothing to load."""

    def describe(self) -> dict[str, object]:
        return {"index_id": "one page", "index_sha256": "none", "embedding_model": "none"}

    def add(self, paths: Sequence[Path], progress: Callable[[Progress], None], **how: object) -> IndexReport:
        for done, path in enumerate(paths):
            progress(Progress(done, len(paths), path.name))
        return IndexReport(tuple(FileReport(str(path), "unchanged") for path in paths), self.size, 0.0)

    def pieces(self, source: str) -> list[Piece]:
        return [Piece(0, "p1", "The sky", "The sky is blue because air scatters blue light.", 10, None)]

    def edit(self, source: str, chunk: str, text: str) -> float:
        return 0.0

    def health(self, uploads: Path | None = None) -> Health:
        return Health(1, 1, 1, "none", "none", Check("", 1, 0, 0, 0), (), uploads is not None)

    def check(self, uploads: Path) -> Health:
        return self.health(uploads)

    def rebuild(self) -> float:
        return 0.0

    def forget(self, sources: Sequence[str], *, for_good: bool = False) -> int:
        return 0

    def undo_forget(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing is open."""
