"""What retrieval keeps in the database: which document holds which chunks, and every chunk's vector."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..documents import Chunk
from ..documents.chunks import embedded
from ..errors import NotFoundError
from ..store import Store, storable
from ..types import Document, Passage

if TYPE_CHECKING:
    import numpy as np

AT_ONCE = 500  # values in one statement; SQLite takes 32,766


@dataclass(frozen=True)
class Entry:
    """What is known of an indexed file, to tell whether it has changed."""

    source: str
    sha256: str
    recipe: str
    chunks: int
    chars: int
    collection: str


@dataclass(frozen=True)
class Change:
    """The chunk ids that came into the database and went out of it, for the indexes made from it."""

    came: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def then(self, later: "Change") -> "Change":
        """Both changes as one: what came and went again, or went and came again, is as it was before."""
        came, gone = dict.fromkeys(self.came), dict.fromkeys(self.gone)
        for key in later.came:
            (came.setdefault if key not in gone else gone.pop)(key, None)
        for key in later.gone:
            (gone.setdefault if key not in came else came.pop)(key, None)
        return Change(tuple(came), tuple(gone))


class Shelf:
    """The chunk tables of a store, with the vectors of one embedding model."""

    def __init__(self, store: Store, model: str) -> None:
        self.store, self.model = store, model

    # ---------------------------------------------------------------- reading

    def entries(self) -> dict[str, Entry]:
        """Every indexed document by its path."""
        rows = self.store.rows(
            "SELECT path, source, sha256, recipe, count(DISTINCT chunk), chars, collection FROM documents "
            "LEFT JOIN placements ON document = id GROUP BY id"
        )
        return {path: Entry(*entry) for path, *entry in rows}

    def ids(self) -> list[str]:
        """The ids of all chunks, sorted."""
        return [key for (key,) in self.store.rows("SELECT id FROM chunks ORDER BY id")]

    def titles(self) -> dict[str, str]:
        """Every chunk's id, with its documents' titles where it has no heading: the keyword index reads them too."""
        found: dict[str, list[str]] = {key: [] for key in self.ids()}
        rows = self.store.rows(
            "SELECT DISTINCT chunk, title FROM chunks c JOIN placements ON chunk = c.id "
            "JOIN documents d ON d.id = document WHERE heading = '' ORDER BY title"
        )
        for key, title in rows:
            found.setdefault(key, []).append(title)
        return {key: " ".join(titles) for key, titles in found.items()}

    def words(self, ids: Sequence[str]) -> dict[str, str]:
        """{id: stems between spaces} of those among `ids` whose words were counted."""
        return dict(self._some("SELECT chunk, stems FROM words WHERE chunk IN ({})", ids))

    def within(self, collection: str) -> set[str] | None:
        """The ids of a collection's chunks; None where every document is in it. NotFoundError."""
        there = self.store.collections()
        if collection not in there:
            names = ", ".join(there)
            raise NotFoundError(f"There is no collection {collection[:80]!r}; there are: {names}.")
        if there[collection] == sum(there.values()):
            return None
        sql = "SELECT DISTINCT chunk FROM placements JOIN documents ON id = document WHERE collection = ?"
        return {key for (key,) in self.store.rows(sql, (collection,))}

    def passages(self, ids: Sequence[str], collection: str = "") -> dict[str, Passage]:
        """The chunks as passages, without scores; a text in several documents (of the collection, if one is named) is
        shown in the first by source."""
        rows = self._some(
            "SELECT c.id, text, min(source), heading, title, page FROM chunks c JOIN placements ON chunk = c.id "
            "JOIN documents d ON d.id = document WHERE c.id IN ({}) AND ? IN ('', collection) GROUP BY c.id",
            ids,
            (collection,),
        )
        return {
            key: Passage(key, text, source, 0.0, heading or title, page)
            for key, text, source, heading, title, page in rows
        }

    def vectors(self, ids: Sequence[str]) -> dict[str, "np.ndarray"]:
        """The stored vectors among `ids`."""
        import numpy as np

        rows = self._some("SELECT chunk, vector FROM vectors WHERE chunk IN ({}) AND model = ?", ids, (self.model,))
        return {key: np.frombuffer(vector, "<f4") for key, vector in rows}

    def embedded(self, ids: Sequence[str]) -> dict[str, str]:
        """{id: what the embedding model read} of chunks."""
        rows = self._some("SELECT id, heading, text FROM chunks WHERE id IN ({})", ids)
        return {key: embedded(heading, text) for key, heading, text in rows}

    def without_vector(self) -> dict[str, str]:
        """{id: what to embed} of the chunks that this model has not embedded yet."""
        rows = self.store.rows(
            "SELECT id, heading, text FROM chunks WHERE NOT EXISTS "
            "(SELECT 1 FROM vectors WHERE chunk = id AND model = ?) ORDER BY id",
            (self.model,),
        )
        return {key: embedded(heading, text) for key, heading, text in rows}

    # ---------------------------------------------------------------- writing

    def save_vectors(self, vectors: Mapping[str, "np.ndarray"]) -> None:
        with self.store.writing() as db:
            db.executemany(
                "INSERT OR REPLACE INTO vectors (chunk, model, vector) VALUES (?, ?, ?)",
                [(key, self.model, vector.astype("<f4").tobytes()) for key, vector in vectors.items()],
            )

    def save_words(self, words: Mapping[str, str]) -> None:
        """Keep the counted words of chunks, as far as these are still there."""
        with self.store.writing() as db:
            db.executemany(
                "INSERT OR REPLACE INTO words (chunk, stems) SELECT id, ? FROM chunks WHERE id = ?",
                [(stems, key) for key, stems in words.items()],
            )

    def drop_words(self) -> None:
        with self.store.writing() as db:
            db.execute("DELETE FROM words")

    def put(self, document: Document, path: str, recipe: str, chunks: Sequence[Chunk]) -> Change:
        """Write a document and its chunks in one transaction, in place of what was there under the same path."""
        with self.store.writing() as db:
            before = ids_of(db, path)
            db.execute("DELETE FROM documents WHERE path = ?", (path,))
            db.execute(
                "INSERT INTO documents (id, source, path, title, sha256, recipe, chars, added, collection) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    document.id,
                    document.source,
                    path,
                    document.title,
                    document.sha256,
                    recipe,
                    document.chars,
                    document.added,
                    document.collection,
                ),
            )
            came = [
                chunk.id
                for chunk in chunks
                if db.execute(
                    "INSERT OR IGNORE INTO chunks (id, heading, text, tokens) VALUES (?, ?, ?, ?)",
                    (chunk.id, chunk.heading, chunk.text, chunk.tokens),
                ).rowcount
            ]
            db.executemany(
                "INSERT INTO placements (document, position, chunk, page) VALUES (?, ?, ?, ?)",
                [(document.id, n, chunk.id, chunk.page) for n, chunk in enumerate(chunks)],
            )
            return Change(tuple(came), drop_orphans(db, before))

    def move(self, path: str, collection: str) -> None:
        """Put a document into another collection; its chunks and vectors stay as they are."""
        with self.store.writing() as db:
            db.execute("UPDATE documents SET collection = ? WHERE path = ?", (collection, path))

    def remove(self, paths: Sequence[str]) -> Change:
        """Take documents out, with the chunks that stand in no other document, and their vectors."""
        with self.store.writing() as db:
            before = [key for path in paths for key in ids_of(db, path)]
            db.executemany("DELETE FROM documents WHERE path = ?", [(path,) for path in paths])
            return Change(gone=drop_orphans(db, before))

    def paths_of(self, sources: Sequence[str]) -> dict[str, str]:
        """{source: path} of those among `sources` that are documents."""
        names = [storable(source) for source in sources]
        return dict(self._some("SELECT source, path FROM documents WHERE source IN ({})", names))

    def drop_unused_vectors(self) -> None:
        """Vectors of texts that never came into a document (an ingest was given up) or went out of all."""
        with self.store.writing() as db:
            db.execute("DELETE FROM vectors WHERE chunk NOT IN (SELECT id FROM chunks)")

    def _some(self, sql: str, ids: Sequence[str], more: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query with `IN ({})`, asked for a few hundred ids at a time."""
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            yield from self.store.rows(sql.format(",".join("?" * len(some))), (*some, *more))


def ids_of(db: Any, path: str) -> list[str]:
    rows = db.execute("SELECT DISTINCT chunk FROM placements JOIN documents ON id = document WHERE path = ?", (path,))
    return [key for (key,) in rows]


def drop_orphans(db: Any, ids: Sequence[str]) -> tuple[str, ...]:
    """Delete those chunks among `ids` that no document holds any more, and their vectors; returns them."""
    gone = [
        key
        for key in dict.fromkeys(ids)
        if not db.execute("SELECT 1 FROM placements WHERE chunk = ?", (key,)).fetchone()
    ]
    db.executemany("DELETE FROM chunks WHERE id = ?", [(key,) for key in gone])
    db.executemany("DELETE FROM vectors WHERE chunk = ?", [(key,) for key in gone])
    return tuple(gone)
