"""A model and an index with no weights: for tests of this project, and for tests of programs built on it."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

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

    def passages(self, sources: Sequence[str] = ()) -> list[Passage]:
        return [page for page in self.search("", 1) if not sources or page.source in sources]

    def warm(self) -> None:
        """Nothing to load."""

    def describe(self) -> dict[str, object]:
        return {"index_id": "one page", "index_sha256": "none", "embedding_model": "none"}

    def add(self, paths: Sequence[Path], progress: Callable[[Progress], None]) -> IndexReport:
        for done, path in enumerate(paths):
            progress(Progress(done, len(paths), path.name))
        return IndexReport(tuple(FileReport(str(path), "unchanged") for path in paths), self.size, 0.0)

    def forget(self, sources: Sequence[str]) -> int:
        return 0

    def close(self) -> None:
        """Nothing is open."""
