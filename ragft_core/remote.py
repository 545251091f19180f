"""A running app, used over its own API by a command that finds the home folder already owned."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from .errors import RagftError
from .searches import Trace, trace_from_json
from .types import DEFAULT_ARMS, Comparison, Document, Passage, Progress, comparison_from_json, known


class RemoteStudio:
    """The part of Studio that commands need, answered by the app at `url`; its errors come back as RagftError."""

    def __init__(self, url: str) -> None:
        from gradio_client import Client

        try:
            self._client = Client(url, verbose=False)
        except Exception as error:  # the client raises whatever its transport raises
            raise RagftError(f"The app that owns the home folder does not answer at {url}. Restart it.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def prepare(self, progress: Callable[[Progress], None]) -> None:
        """Nothing to do: the app prepared its home when it started."""

    def ask(
        self,
        question: str,
        arms: Sequence[str] = DEFAULT_ARMS,
        *,
        adapter: str | None = None,
        top_k: int | None = None,
        max_new_tokens: int | None = None,
        steps: str | None = None,
        where: Sequence[str] = (),
        collection: str | None = None,
    ) -> Iterator[Comparison]:
        given = (question, list(arms), adapter, top_k, max_new_tokens, steps, list(where), collection)
        job = self._client.submit(*given, api_name="/ask")
        try:
            for snapshot in job:
                yield comparison_from_json(snapshot)
            job.result()  # raises what the app refused
        except (KeyboardInterrupt, GeneratorExit):
            job.cancel()
            raise
        except Exception as error:
            raise RagftError(str(error)) from error

    def trace(
        self,
        question: str,
        k: int | None = None,
        mode: str | None = None,
        steps: Any = None,
        where: Sequence[str] = (),
        collection: str | None = None,
    ) -> Trace:
        return trace_from_json(self._call("/search", question, k, mode, steps, list(where), collection))

    def timed_search(self, question: str, k: int | None, mode: str | None) -> tuple[list[Passage], float]:
        started = time.perf_counter()
        return list(self.trace(question, k, mode).passages), time.perf_counter() - started

    def documents(self) -> list[Document]:
        return [Document(**known(Document, row)) for row in self._call("/documents")["documents"]]

    def _call(self, api_name: str, *args: Any) -> Any:
        try:
            return self._client.predict(*args, api_name=api_name)
        except Exception as error:
            raise RagftError(str(error)) from error
