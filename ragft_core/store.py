"""The database: one SQLite file that keeps documents, chunks, vectors, comparisons and facts through any crash.

It is the truth; the Chroma index is made from it and can be made again.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import HomeError
from .types import DEFAULT_COLLECTION, Comparison, Document, comparison_from_json, to_json

# One script per schema number; a new version appends a script and never edits an old one.
SCHEMA = (
    """
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE comparisons (id TEXT PRIMARY KEY, created TEXT NOT NULL, data TEXT NOT NULL) STRICT;
    CREATE INDEX comparisons_by_time ON comparisons (created);
    CREATE TABLE documents (
        id TEXT PRIMARY KEY,
        source TEXT NOT NULL UNIQUE,  -- what people see and `forget` takes
        path TEXT NOT NULL UNIQUE,    -- where the file lies
        title TEXT NOT NULL,
        sha256 TEXT NOT NULL,         -- of the file's bytes
        recipe TEXT NOT NULL,         -- how it was cut into chunks
        chars INTEGER NOT NULL CHECK (chars >= 0),
        added TEXT NOT NULL
    ) STRICT;
    CREATE TABLE chunks (             -- a text is kept once, in however many documents it stands
        id TEXT PRIMARY KEY,
        heading TEXT NOT NULL,
        text TEXT NOT NULL CHECK (text <> ''),
        tokens INTEGER NOT NULL CHECK (tokens >= 0)
    ) STRICT;
    CREATE TABLE placements (
        document TEXT NOT NULL REFERENCES documents ON DELETE CASCADE,
        position INTEGER NOT NULL,
        chunk TEXT NOT NULL REFERENCES chunks,
        page INTEGER,
        PRIMARY KEY (document, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX placements_by_chunk ON placements (chunk);
    CREATE TABLE vectors (            -- may be ahead of chunks: a killed ingest finds here what it had embedded
        chunk TEXT NOT NULL,
        model TEXT NOT NULL,
        vector BLOB NOT NULL,         -- float32, little-endian, length 1
        PRIMARY KEY (chunk, model)
    ) STRICT;
    """,
    """
    CREATE TABLE words (              -- what the keyword index reads of a chunk; can be counted again from its text
        chunk TEXT PRIMARY KEY REFERENCES chunks ON DELETE CASCADE,
        stems TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    "ALTER TABLE documents ADD COLUMN collection TEXT NOT NULL DEFAULT 'default';",
)
MOST_ROWS = 2**31 - 1  # SQLite takes no larger LIMIT than fits its integers

SENTENCES = {
    "SQLITE_FULL": "The disk with the folder {folder} is full; nothing was changed. Make room and try again.",
    "SQLITE_IOERR": "The folder {folder} could not be read or written; nothing was changed. Check its disk and space.",
    "SQLITE_READONLY": "The folder {folder} cannot be written. Make it writable, or choose another with --home.",
    "SQLITE_CANTOPEN": "The database in {folder} cannot be opened. Check the folder's permissions, or choose another.",
    "SQLITE_BUSY": "The database in {folder} is held by another process. Stop that one and try again.",
    "SQLITE_CORRUPT": "The database in {folder} is damaged. Put back a copy of ragft.sqlite, or choose another.",
    "SQLITE_NOTADB": "{path} is not a database. Move it away or put back a copy; RAGFT does not touch it.",
}


class Store:
    """The open database, for any number of threads: one writes at a time, and readers never wait for a disk sync."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._write_lock, self._read_lock = threading.RLock(), threading.Lock()
        with self._plainly():
            self._writer = connect(self.path)
            try:
                upgrade(self._writer, self.path)
                self._reader = connect(self.path)
            except BaseException:
                self._writer.close()
                raise
            self._reader.execute("PRAGMA query_only = ON")

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        with self._write_lock, self._read_lock, suppress(sqlite3.Error):
            self._reader.close()
            self._writer.close()

    # ---------------------------------------------------------------- for those who know the tables

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: everything in the block is kept, on disk, when it ends, or nothing of it is."""
        with self._write_lock, self._plainly():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has already ended the transaction
                    self._writer.execute("ROLLBACK")
                raise

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, as of the last finished transaction."""
        with self._read_lock, self._plainly():
            return self._reader.execute(sql, values).fetchall()

    def value(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first column of the first row; None if there is no row."""
        return next((row[0] for row in self.rows(sql, values)), None)

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        """Turn what SQLite says about the disk into a sentence that names the folder."""
        try:
            yield
        except sqlite3.IntegrityError:
            raise  # a fault of the program, not of the disk
        except sqlite3.Error as error:
            raise HomeError(sentence(error, self.path)) from error

    # ---------------------------------------------------------------- comparisons

    def save_comparison(self, comparison: Comparison) -> None:
        """Keep a comparison; saving it again replaces it, so a retry never makes two."""
        with self.writing() as db:
            db.execute(
                "INSERT INTO comparisons (id, created, data) VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET created = excluded.created, data = excluded.data",
                (comparison.id, comparison.created, json.dumps(to_json(comparison))),
            )

    def comparison(self, comparison_id: str) -> Comparison | None:
        data = self.value("SELECT data FROM comparisons WHERE id = ?", (storable(comparison_id),))
        return None if data is None else comparison_from_json(json.loads(data))

    def comparisons(self, limit: int) -> list[Comparison]:
        """The latest comparisons, newest first."""
        rows = self.rows(
            "SELECT data FROM comparisons ORDER BY created DESC, rowid DESC LIMIT ?", (max(0, min(limit, MOST_ROWS)),)
        )
        return [comparison_from_json(json.loads(data)) for (data,) in rows]

    # ---------------------------------------------------------------- documents

    def documents(self) -> list[Document]:
        """The documents of the index, by source; `chunks` counts a repeated text of one document once."""
        rows = self.rows(
            "SELECT id, source, title, sha256, chars, count(DISTINCT chunk), added, collection FROM documents "
            "LEFT JOIN placements ON document = id GROUP BY id ORDER BY source"
        )
        return [Document(*row) for row in rows]

    def collections(self) -> dict[str, int]:
        """How many documents every collection has, by name; the default one is always there."""
        rows = self.rows("SELECT collection, count(*) FROM documents GROUP BY collection ORDER BY collection")
        return {DEFAULT_COLLECTION: 0} | dict(rows)

    def count_documents(self) -> int:
        return self.value("SELECT count(*) FROM documents")

    def count_chunks(self) -> int:
        return self.value("SELECT count(*) FROM chunks")

    # ---------------------------------------------------------------- facts

    def fact(self, name: str) -> str | None:
        """A small thing to remember, such as whether the demo was installed."""
        return self.value("SELECT value FROM facts WHERE name = ?", (name,))

    def set_fact(self, name: str, value: str) -> None:
        with self.writing() as db:
            db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))


def connect(path: Path) -> sqlite3.Connection:
    """A connection whose finished transactions survive a killed process and a power cut."""
    db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA secure_delete = ON")  # what was forgotten shall not linger in free pages
    except BaseException:
        db.close()
        raise
    return db


def upgrade(db: sqlite3.Connection, path: Path) -> None:
    """Bring the tables to the newest schema; refuse a file that a newer RAGFT, or another program, has written."""
    number = db.execute("PRAGMA user_version").fetchone()[0]
    if number > len(SCHEMA):
        raise HomeError(
            f"The database {path} was written by a newer RAGFT (schema {number}; this one knows {len(SCHEMA)}). "
            "Update RAGFT, or choose another home with --home."
        )
    if not number and db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise HomeError(f"{path} belongs to another program. Choose another home with --home.")
    for script in SCHEMA[number:]:
        number += 1
        try:
            db.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise


def sentence(error: sqlite3.Error, path: Path) -> str:
    """What the user can do about an error of SQLite."""
    name = getattr(error, "sqlite_errorname", None) or ""
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return f"The database in {path.parent} was closed; start again."
    for start, text in SENTENCES.items():
        if name.startswith(start):
            return f"{text.format(folder=path.parent, path=path)} ({error})"
    return f"The database in {path.parent} failed ({error}). Check the folder, or choose another with --home."


def storable(text: str) -> str:
    """`text` without what UTF-8, and so SQLite, cannot hold: halves of surrogate pairs become `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")
