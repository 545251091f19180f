"""Documents in, passages out: the one object that the rest of the program holds for retrieval."""

import hashlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..documents import Columns, Cutter
from ..errors import DocumentError, NotFoundError, QuestionError
from ..settings import Settings
from ..store import Store, storable
from ..types import IndexReport, Passage, Progress
from .dense import Dense
from .embedding import Embed, Embedder
from .fusion import fuse
from .ingest import Ingest, embed_missing
from .keyword import Keyword
from .server import Server
from .shelf import Change, Shelf
from .undo import Undo

MODES = ("hybrid", "dense", "keyword")
POOL = 50  # candidates that each way of searching hands to the fusion, at least
PATIENCE = 5.0  # seconds that a second change of the documents waits for the first
REST = 20  # while documents come in, the keyword index is made again at most a 20th of the time

Report = Callable[[Progress], None]


class Index:
    """The retrieval index over a store's documents, for any number of threads; searches run while documents come in.

    `tokenize` gives the tokens of the model that will read the passages: chunks are sized in them. `embed`
    replaces the embedding model by any function from texts to vectors (tests: no weights). `notices` are
    sentences about what was repaired, at opening or since.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        settings: Settings,
        tokenize: Callable[[str], list[Any]],
        *,
        embed: Embed | None = None,
        progress: Report = lambda _: None,
    ) -> None:
        self.store, self.settings = store, settings
        self._notices: list[str] = []
        self._cutter = Cutter(settings.chunk_size, settings.chunk_overlap, tokenize)
        self._embedder = Embedder(settings, embed)
        self._shelf = Shelf(store, self._embedder.name)
        self._undo = Undo(self._shelf)
        self._embed_again(progress)
        if store.fact("index_id") is None:
            store.set_fact("index_id", uuid.uuid4().hex[:12])
        server = Server.of(settings, f"ragft-{store.fact('index_id')}")
        self._dense = Dense(self._shelf, Path(folder), self._notices.append, server)
        self._changing, self._counting = threading.Lock(), threading.RLock()
        self._version = 0
        self._keyword: tuple[int, Keyword] | None = None
        self._rest_until = 0.0
        self._sha256: tuple[int, str] | None = None

    def close(self) -> None:
        self._dense.close()

    @property
    def notices(self) -> tuple[str, ...]:
        return tuple(self._notices)

    @property
    def size(self) -> int:
        """How many chunks there are."""
        return self.store.count_chunks()

    def warm(self) -> None:
        """Load what a first search would wait for: the embedding model and the keyword index."""
        self.search("warm", 1)

    # ---------------------------------------------------------------- out

    def search(self, question: str, k: int, mode: str = "hybrid") -> list[Passage]:
        """The `k` best passages, best first: by meaning (dense), by words (keyword), or both fused by rank."""
        if mode not in MODES:
            raise QuestionError(f"The search mode {mode!r} is unknown; choose {', '.join(MODES)}.")
        question = storable(question)
        if k < 1 or not question.strip() or not self.size:
            return []
        pool = max(POOL, 4 * k)
        vector = self._embedder.question(question) if mode != "keyword" else None
        dense = self._dense.nearest(vector, pool) if vector is not None else {}
        keyword = self._words().scores(question) if mode != "dense" else {}
        fused = fuse(list(dense), list(keyword)[:pool]) if mode == "hybrid" else {}
        ranked = fused or dense or keyword
        found = self._shelf.passages(list(ranked)[: k + POOL])  # more than k: some may have just been forgotten
        best = [key for key in ranked if key in found][:k]
        if mode == "hybrid":  # what only its words found has a cosine all the same
            unknown = self._shelf.vectors([key for key in best if key not in dense])
            dense |= {key: float(vector @ other) for key, other in unknown.items()}
        stages = {"dense": dense, "keyword": keyword, "fused": fused}
        return [
            replace(
                found[key],
                score=ranked[key],
                scores={stage: scores[key] for stage, scores in stages.items() if key in scores},
            )
            for key in best
        ]

    def describe(self) -> dict[str, Any]:
        """What a saved comparison needs to say about the index; `index_sha256` changes with any passage's text."""
        with self._counting:
            if self._sha256 is None or self._sha256[0] != self._version:
                version = self._version
                self._sha256 = version, hashlib.sha256("\n".join(self._shelf.ids()).encode()).hexdigest()
        return {
            "index_id": self.store.fact("index_id"),
            "index_sha256": self._sha256[1],
            "embedding_model": self._embedder.name,
            "chunk_size": self.settings.chunk_size,
            "chunk_overlap": self.settings.chunk_overlap,
        }

    # ---------------------------------------------------------------- in

    def add(
        self,
        paths: Sequence[Path],
        progress: Report = lambda _: None,
        *,
        columns: Columns | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> IndexReport:
        """Index files and folders, a report row for each; run again, a folder is refreshed.

        What fails is a row, not an error; only a home or an embedding model that fails ends the job. A job that is
        `stopped` ends soon, reports, and goes on when it is run again. `columns`: see Ingest.
        """
        with self._alone():
            ingest = Ingest(
                self._shelf,
                self._cutter,
                self._embedder,
                self._changed,
                self.settings.max_file_mb * 2**20,
                progress,
                stopped,
                columns,
                self.settings.ocr,
            )
            try:
                report = ingest.run([Path(path) for path in paths])
            finally:
                if ingest.came:
                    self._dense.verify(ingest.came)
            return report

    def forget(self, sources: Sequence[str], *, for_good: bool = False) -> int:
        """Remove documents by source, all or none; returns how many. NotFoundError names the first unknown one.

        Unless it is `for_good`, `undo_forget` brings them back until something else is forgotten, for a day at most.
        """
        with self._alone():
            sources = list(dict.fromkeys(sources))
            paths = self._shelf.paths_of(sources)
            for source in sources:
                if source not in paths:
                    raise NotFoundError(
                        f"There is no document {source[:200]!r} in the index; list the documents first."
                    )
            places = list(paths.values())
            self._changed(self._shelf.remove(places) if for_good else self._undo.forget(places))
            if for_good:
                self._undo.drop()
            return len(paths)

    def undo_forget(self) -> list[str]:
        """Bring back what was forgotten last; returns the sources. NotFoundError when there is nothing to undo."""
        with self._alone():
            change, sources = self._undo.restore()
            embed_missing(self._shelf, self._embedder, self._shelf.embedded(change.came), lambda *_: None)
            self._changed(change)
            return sources

    def forgotten(self) -> list[str]:
        """The sources that `undo_forget` would bring back."""
        return self._undo.sources()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One change of the documents at a time; a second one is told so rather than left waiting."""
        if not self._changing.acquire(timeout=PATIENCE):
            raise DocumentError("Documents are being indexed right now; try again when that is done.")
        try:
            yield
        finally:
            self._changing.release()

    def _changed(self, change: Change) -> None:
        if change.came or change.gone:
            self._dense.apply(change)
        with self._counting:
            self._version += 1

    def _embed_again(self, progress: Report) -> None:
        """Give every chunk a vector of this embedding model, if another one was used so far."""
        texts = self._shelf.without_vector()
        if texts:
            embed_missing(
                self._shelf,
                self._embedder,
                texts,
                lambda done, total: progress(Progress(done, total, f"Embedding {done} of {total} passages again")),
            )
            self._notices.append(
                f"The embedding model is now {self._embedder.name}: {len(texts)} passages were embedded again."
            )

    def _words(self) -> Keyword:
        """The keyword index of the documents as they are now, or as they were a moment ago while more come in."""
        with self._counting:
            current = self._keyword is not None and self._keyword[0] == self._version
            resting = self._changing.locked() and time.monotonic() < self._rest_until
            if self._keyword is None or not (current or resting):
                version, started = self._version, time.monotonic()
                self._keyword = version, Keyword(self._shelf.texts())
                now = time.monotonic()
                self._rest_until = now + REST * (now - started)
            return self._keyword[1]
