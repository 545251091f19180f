"""Files become rows of the database, chunks with vectors, a document at a time; every file gets a report row."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ..documents import Chunk, Cutter, Loaded, find, parse, read_bytes, shown
from ..errors import DocumentError
from ..types import Document, FileReport, IndexReport, Progress
from .embedding import BATCH, Embedder
from .shelf import Change, Entry, Shelf

TOGETHER = 2 * BATCH  # chunks that wait for each other, so that small files fill batches too


@dataclass(frozen=True)
class Ready:
    """A document that is read and cut, and waits for its vectors."""

    path: str
    source: str
    loaded: Loaded
    chunks: list[Chunk]
    old: Entry | None


@dataclass
class Ingest:
    """One indexing job. A document is written in one transaction; a killed job goes on where it was when run again."""

    shelf: Shelf
    cutter: Cutter
    embedder: Embedder
    apply: Callable[[Change], None]  # tells the indexes made from the database
    max_bytes: int
    progress: Callable[[Progress], None]
    came: list[str] = field(default_factory=list)
    _rows: dict[str, FileReport] = field(default_factory=dict)
    _ready: list[Ready] = field(default_factory=list)
    _done: int = 0
    _total: int = 0

    def run(self, paths: Sequence[Path]) -> IndexReport:
        """Index files and folders. A folder seen before is refreshed: changed, new and gone files."""
        started = time.monotonic()
        found = find(paths)
        known = self.shelf.entries()
        sources = {entry.source for entry in known.values()}
        self._total = len(found.files)
        for self._done, (file, name) in enumerate(found.files.items()):
            self._say(f"Reading {name}")
            self._read(file, name, known.get(shown(file)), sources)
            if sum(len(ready.chunks) for ready in self._ready) >= TOGETHER:
                self._write()
        self._write()
        self._remove(found.complete, known, {shown(file) for file in found.files})
        self.shelf.drop_unused_vectors()
        self._done = self._total
        self._say("Indexed")
        rows = (*self._rows.values(), *found.refused)
        return IndexReport(rows, len(self.came), time.monotonic() - started)

    def _say(self, message: str) -> None:
        self.progress(Progress(self._done, self._total, message))

    def _read(self, file: Path, name: str, old: Entry | None, sources: set[str]) -> None:
        """Make a file ready to be written, or report at once why there is nothing to write."""
        path = shown(file)
        try:
            data = read_bytes(file, self.max_bytes)
            digest = hashlib.sha256(data).hexdigest()
            if old and (old.sha256, old.recipe) == (digest, self.cutter.recipe):
                self._rows[path] = FileReport(path, "unchanged", chunks=old.chunks, chars=old.chars)
                return
            loaded = parse(file, data)
            chunks = self.cutter.cut(loaded)
            if not chunks:
                raise DocumentError("The file holds no text.")
        except DocumentError as error:
            self._failed(path, str(error), old)
        except Exception as error:  # noqa: BLE001 - whatever a file makes a parser do, the other files are indexed
            self._failed(path, f"The file could not be read ({type(error).__name__}: {str(error)[:200]}).", old)
        else:
            source = old.source if old else _free(name, path, sources)
            sources.add(source)
            self._rows[path] = FileReport(path, "failed")  # holds its place; replaced when written
            self._ready.append(Ready(path, source, loaded, chunks, old))

    def _failed(self, path: str, reason: str, old: Entry | None) -> None:
        kept = " What was indexed of it before stays in the index." if old else ""
        self._rows[path] = FileReport(path, "failed", reason + kept)

    def _write(self) -> None:
        """Embed what waits, write it document by document, then tell the indexes once: each telling is slow."""
        self._embed({chunk.id: chunk.embedded for ready in self._ready for chunk in ready.chunks})
        change = Change()
        try:
            for ready in self._ready:
                change = change.then(self._put(ready))
        finally:
            self._ready.clear()
            self.came += change.came
            self.apply(change)

    def _put(self, ready: Ready) -> Change:
        """Write one document and report it."""
        loaded = ready.loaded
        document = Document(
            id=hashlib.sha256(ready.path.encode()).hexdigest()[:16],
            source=ready.source,
            title=loaded.title,
            sha256=loaded.sha256,
            chars=loaded.chars,
            chunks=len(ready.chunks),
            added=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        change = self.shelf.put(document, ready.path, self.cutter.recipe, ready.chunks)
        status = "updated" if ready.old else "added"
        pages = len({part.page for part in loaded.parts if part.page})
        self._rows[ready.path] = FileReport(ready.path, status, loaded.note, len(ready.chunks), pages, loaded.chars)
        return change

    def _embed(self, texts: dict[str, str]) -> None:
        """Save the vectors that are not there yet; every batch is kept, so that a killed job need not repeat it."""
        embed_missing(
            self.shelf,
            self.embedder,
            texts,
            lambda done, total: self._say(f"Embedding {done} of {total} passages, up to {self._ready[-1].source}"),
        )

    def _remove(self, folders: Sequence[Path], known: dict[str, Entry], there: set[str]) -> None:
        """Take out the documents whose files have gone from a folder that was read completely."""
        starts = tuple(shown(folder).rstrip("/") + "/" for folder in folders)
        gone = [path for path in known if path.startswith(starts) and path not in there] if starts else []
        if gone:
            self.apply(self.shelf.remove(gone))
        for path in gone:
            self._rows[path] = FileReport(
                path, "removed", "The file has gone.", known[path].chunks, 0, known[path].chars
            )


def embed_missing(shelf: Shelf, embedder: Embedder, texts: dict[str, str], say: Callable[[int, int], None]) -> int:
    """Embed and save those among {chunk id: text} that have no vector yet; returns how many."""
    there = shelf.vectors(list(texts))
    missing = [key for key in texts if key not in there]
    for start in range(0, len(missing), BATCH):
        say(start, len(missing))
        keys = missing[start : start + BATCH]
        shelf.save_vectors(dict(zip(keys, embedder.texts([texts[key] for key in keys]), strict=True)))
    return len(missing)


def _free(name: str, path: str, taken: set[str]) -> str:
    """`name` if no document has it, else as many of the path's last parts as make it the only one."""
    parts = path.replace("\\", "/").split("/")
    longer = ("/".join(parts[-n:]) for n in range(name.count("/") + 2, len(parts)))
    return next((free for free in (name, *longer) if free not in taken), path)
