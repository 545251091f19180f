"""Documents in, passages out: the one object that the rest of the program holds for retrieval."""

import hashlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..documents import Columns, Cutter
from ..errors import DocumentError, ModelError, NotFoundError, QuestionError
from ..searches import MODES, Search, Trace
from ..settings import Settings
from ..store import Store, storable
from ..types import IndexReport, Passage, Progress
from . import care
from .care import Health
from .counted import Counted
from .dense import Dense
from .embedding import Embed, Embedder
from .ingest import Ingest, embed_missing
from .keyword import Keyword
from .lookup import Piece, pieces
from .pipeline import Model, Parts, trace
from .rerank import CrossEncoder
from .server import Server
from .shelf import Change, Shelf
from .undo import Undo

PATIENCE = 5.0  # seconds that a second change of the documents waits for the first
REST = 20  # while documents come in, the keyword index is made again at most a 20th of the time

Report = Callable[[Progress], None]


def no_model() -> Any:
    """What a step is told that needs the language model in a search that has none."""
    raise ModelError("there is no language model at hand in this search.")


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
        self._embedder = Embedder(settings, embed)
        sizes = settings.chunk_size, settings.chunk_overlap
        self._cutter = Cutter(*sizes, tokenize, settings.chunk_strategy, self._embedder.texts)
        self._shelf = Shelf(store, self._embedder.name)
        self._cross = CrossEncoder(settings.cross_encoder, settings.device) if settings.cross_encoder else None
        self._undo = Undo(self._shelf)
        self._counted = Counted(self._shelf)
        self._opening = progress
        self._embed_again(progress)
        if store.fact("index_id") is None:
            store.set_fact("index_id", uuid.uuid4().hex[:12])
        server = Server.of(settings, f"ragft-{store.fact('index_id')}")
        self._dense = Dense(self._shelf, Path(folder), self._notices.append, server, progress)
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
        self._count(self._opening)
        self._opening = lambda _: None
        self.search("warm", 1)

    # ---------------------------------------------------------------- out

    def search(self, question: str, k: int, mode: str = "hybrid") -> list[Passage]:
        """The `k` best passages, best first: by meaning (dense), by words (keyword), or both fused by rank."""
        return list(self.trace(question, Search(k, mode, collection=self.settings.collection)).passages)

    def trace(self, question: str, search: Search, model: Model = no_model) -> Trace:
        """A search with all its steps. `model` gives the language model to the steps that need one, and only then."""
        if search.mode not in MODES:
            raise QuestionError(f"The search mode {search.mode!r} is unknown; choose {', '.join(MODES)}.")
        question = storable(question)
        if search.k < 1 or not question.strip() or not self.size:
            return Trace(question)
        parts = Parts(self._shelf, self._dense, self._embedder, self._words, self.settings, self._cross)
        return trace(parts, question, search, model)

    def passages(self, sources: Sequence[str] = ()) -> list[Passage]:
        """All indexed passages (of these sources, if any are named), by id, without scores."""
        found = self._shelf.passages(self._shelf.ids()).values()
        return [passage for passage in found if not sources or passage.source in sources]

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
            "chunk_strategy": self.settings.chunk_strategy,
        }

    # ---------------------------------------------------------------- in

    def add(
        self,
        paths: Sequence[Path],
        progress: Report = lambda _: None,
        *,
        columns: Columns | None = None,
        collection: str | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> IndexReport:
        """Index files and folders, a report row for each; run again, a folder is refreshed.

        What fails is a row, not an error; only a home or an embedding model that fails ends the job. A job that is
        `stopped` ends soon, reports, and goes on when it is run again. `columns`, `collection`: see Ingest.
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
                collection,
                self.settings.collection,
            )
            try:
                report = ingest.run([Path(path) for path in paths])
            finally:
                if ingest.came:
                    self._dense.verify(ingest.came)
            self._count(progress)
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

    # ---------------------------------------------------------------- care

    def pieces(self, source: str) -> list[Piece]:
        """The chunks of a document in reading order. NotFoundError."""
        return pieces(self._shelf, source)

    def edit(self, source: str, chunk: str, text: str) -> float:
        """Put another text in the place of one chunk of a document; returns the seconds until it can be found."""
        started = time.perf_counter()
        with self._alone():
            change = care.edit(self._shelf, self._cutter, self._embedder, source, chunk, text, self._changed)
            self._dense.verify(change.came)
        self._words()
        return time.perf_counter() - started

    def health(self, uploads: Path | None = None) -> Health:
        """The state of the index; with the folder of `uploads` the documents' files are compared, too."""
        stale = None if uploads is None else care.stale_files(self._shelf, self._cutter.recipe, uploads)
        return care.health(self._shelf, self._dense, self._cutter.recipe, stale)

    def check(self, uploads: Path) -> Health:
        """Let the passages look for themselves in Chroma and compare the files; the outcome is kept."""
        with self._alone():
            care.remember(self._shelf, self._dense.check())
        return self.health(uploads)

    def rebuild(self) -> float:
        """Make Chroma anew from the database, and check it; returns the seconds. Searches go on meanwhile."""
        started = time.perf_counter()
        with self._alone():
            self._dense.rebuild("was to be made anew")
            care.remember(self._shelf, self._dense.check())
        return time.perf_counter() - started

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
            self._counted.count(change.came)
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
        kept = self._keyword
        if kept is None or not self._changing.locked():
            return self._count()
        if time.monotonic() < self._rest_until or not self._counting.acquire(blocking=False):
            return kept[1]
        try:
            return self._count()
        finally:
            self._counting.release()

    def _count(self, progress: Report = lambda _: None) -> Keyword:
        """The keyword index of the documents as they are now."""
        with self._counting:
            if self._keyword is None or self._keyword[0] != self._version:
                version, started = self._version, time.monotonic()
                self._keyword = version, self._counted.keyword(progress)
                now = time.monotonic()
                self._rest_until = now + REST * (now - started)
            return self._keyword[1]
