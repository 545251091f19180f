"""Files become rows of the database, chunks with vectors, a document at a time; every file gets a report row."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ..documents import TABLES, Chunk, Columns, Cutter, Loaded, Reader, Stopped, Wish, find, read_bytes, shown
from ..documents.loaders import VERSION
from ..errors import DocumentError
from ..types import DEFAULT_COLLECTION, Document, FileReport, IndexReport, Progress
from .embedding import BATCH, Embedder
from .shelf import Change, Entry, Shelf

TOGETHER = 2 * BATCH  # chunks that wait for each other, so that small files fill batches too
HALTED = "Stopped before it was indexed; index it again to go on."
COLUMNS = " columns="  # in a recipe, before the JSON of the columns


@dataclass(frozen=True)
class Ready:
    """A document that is read and cut, and waits for its vectors."""

    path: str
    source: str
    recipe: str
    loaded: Loaded
    chunks: list[Chunk]
    old: Entry | None


@dataclass
class Ingest:
    """One indexing job. A document is written in one transaction; a killed job goes on where it was when run again.

    `columns` says how tables are read (None: each as it was read before); `stopped` is asked often, and a job that is
    stopped reports what it did.
    """

    shelf: Shelf
    cutter: Cutter
    embedder: Embedder
    apply: Callable[[Change], None]  # tells the indexes made from the database
    max_bytes: int
    progress: Callable[[Progress], None]
    stopped: Callable[[], bool] = lambda: False
    columns: Columns | None = None
    ocr: str = "eng"
    collection: str | None = None  # where all of it goes; None: see _place
    usual: str = DEFAULT_COLLECTION
    came: list[str] = field(default_factory=list)
    _folders: dict[str, str] = field(default_factory=dict)
    _rows: dict[str, FileReport] = field(default_factory=dict)
    _told: int = 0
    _ready: list[Ready] = field(default_factory=list)
    _done: int = 0
    _total: int = 0
    _embedded: int = 0
    _seconds: float = 0.0

    def run(self, paths: Sequence[Path]) -> IndexReport:
        """Index files and folders. A folder seen before is refreshed: changed, new and gone files."""
        started = time.monotonic()
        found = find(paths)
        known = self.shelf.entries()
        self._folders = folders(found.complete, known)
        self._total = len(found.files)
        halted = False
        try:
            self._read_all(found.files, known)
        except Stopped:
            halted = True
            self._give_up(found.files)
        else:
            self._remove(found.complete, known, {shown(file) for file in found.files})
            self.shelf.drop_unused_vectors()
            self._done = self._total
        self._say("Stopped" if halted else "Indexed")
        rows = (*self._rows.values(), *found.refused)
        took = time.monotonic() - started
        return IndexReport(rows, len(self.came), took, self._embedded, self._seconds, halted)

    def _read_all(self, files: dict[Path, str], known: dict[str, Entry]) -> None:
        sources = {entry.source for entry in known.values()}
        with Reader(Wish(ocr=self.ocr), self.stopped, self._say) as reader:
            for self._done, (file, name) in enumerate(files.items()):
                self._halt()
                self._say(f"Reading {name}")
                self._read(reader, file, name, known.get(shown(file)), sources)
                if sum(len(ready.chunks) for ready in self._ready) >= TOGETHER:
                    self._write()
            self._write()

    def _halt(self) -> None:
        if self.stopped():
            raise Stopped

    def _give_up(self, files: dict[Path, str]) -> None:
        """Report what a stopped job left undone; what it embedded is kept for the next one."""
        for ready in self._ready:
            self._rows[ready.path] = FileReport(ready.path, "skipped", HALTED)
        for path in map(shown, files):
            self._rows.setdefault(path, FileReport(path, "skipped", HALTED))

    def _say(self, message: str) -> None:
        """Tell how far it is, and the rows that are final by now; a row that waits for its vectors holds later ones."""
        waiting = {ready.path for ready in self._ready}
        rows = list(self._rows.values())[self._told :]
        final = next((n for n, row in enumerate(rows) if row.path in waiting), len(rows))
        self._told += final
        self.progress(Progress(self._done, self._total, message, tuple(rows[:final])))

    def _read(self, reader: Reader, file: Path, name: str, old: Entry | None, sources: set[str]) -> None:
        """Make a file ready to be written, or report at once why there is nothing to write."""
        path, columns = shown(file), self._columns(file, old)
        recipe = f"{self.cutter.recipe} r{VERSION}"
        recipe += f"{COLUMNS}{json.dumps(asdict(columns))}" if columns != Columns() else ""
        try:
            data = read_bytes(file, self.max_bytes)
            digest = hashlib.sha256(data).hexdigest()
            if old and (old.sha256, old.recipe) == (digest, recipe):
                self._rows[path] = self._kept(path, old)
                return
            loaded = reader.parse(file, data, Wish(columns, self.ocr))
            chunks = self.cutter.cut(loaded)
            if not chunks:
                raise DocumentError("The file holds no text.")
        except DocumentError as error:
            self._failed(path, str(error), old)
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a file makes a parser do, the other files are indexed
            self._failed(path, f"The file could not be read ({type(error).__name__}: {str(error)[:200]}).", old)
        else:
            source = old.source if old else _free(name, path, sources)
            sources.add(source)
            self._rows[path] = FileReport(path, "failed")  # holds its place; replaced when written
            self._ready.append(Ready(path, source, recipe, loaded, chunks, old))

    def _kept(self, path: str, old: Entry) -> FileReport:
        """The row of a file that is as it was; its document may be wished elsewhere."""
        if self.collection in (None, old.collection):
            return FileReport(path, "unchanged", chunks=old.chunks, chars=old.chars)
        self.shelf.move(path, self.collection or "")
        reason = f"Moved from the collection {old.collection} to {self.collection}."
        return FileReport(path, "updated", reason, old.chunks, chars=old.chars)

    def _place(self, path: str, old: Entry | None) -> str:
        """The collection of a document: as wished, else where it was, where its folder is, or the usual one."""
        if self.collection or old:
            return self.collection or (old.collection if old else "")
        return next((name for folder, name in self._folders.items() if path.startswith(folder)), self.usual)

    def _columns(self, file: Path, old: Entry | None) -> Columns:
        """How a table is to be read: as wished now, else as it was read before."""
        if file.suffix.lower() not in TABLES:
            return Columns()
        if self.columns is None and old and COLUMNS in old.recipe:
            kept = json.loads(old.recipe.partition(COLUMNS)[2])
            return Columns(**kept | {"metadata": tuple(kept["metadata"])})
        return self.columns or Columns()

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
            collection=self._place(ready.path, ready.old),
        )
        change = self.shelf.put(document, ready.path, ready.recipe, ready.chunks)
        status = "updated" if ready.old else "added"
        self._rows[ready.path] = FileReport(
            ready.path, status, loaded.note, len(ready.chunks), loaded.pages, loaded.chars
        )
        return change

    def _embed(self, texts: dict[str, str]) -> None:
        """Save the vectors that are not there yet; every batch is kept, so that a killed job need not repeat it."""
        started = time.monotonic()

        def say(done: int, total: int) -> None:
            self._halt()
            spent = self._seconds + time.monotonic() - started
            rate = f" ({(self._embedded + done) / spent:.0f} a second)" if done and spent else ""
            self._say(f"Embedding {done} of {total} passages{rate}, up to {self._ready[-1].source}")

        self._embedded += embed_missing(self.shelf, self.embedder, texts, say)
        self._seconds += time.monotonic() - started

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


def folders(given: Sequence[Path], known: dict[str, Entry]) -> dict[str, str]:
    """{start of the paths below a folder: collection} of the folders whose documents are all in the same one."""
    found = {}
    for start in (shown(folder).rstrip("/") + "/" for folder in given):
        names = {entry.collection for path, entry in known.items() if path.startswith(start)}
        if len(names) == 1:
            found[start] = names.pop()
    return found


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
