"""Documents that were forgotten by mistake come back: the last ones are kept, whole, for a day at most."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import NotFoundError
from ..types import DEFAULT_COLLECTION
from .shelf import Change, Shelf, drop_orphans, ids_of

FORGOTTEN, KEPT = "forgotten", timedelta(days=1)
DOCUMENT = ("id", "source", "path", "title", "sha256", "recipe", "chars", "added", "collection")


class Undo:
    """One step back, kept as a fact in the database; what is too old is removed when this is made."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        if shelf.store.fact(FORGOTTEN) is not None and not self._kept():
            self.drop()

    def sources(self) -> list[str]:
        """What `restore` would bring back."""
        return [document["source"] for document in self._kept()]

    def drop(self) -> None:
        """Forget for good."""
        with self.shelf.store.writing() as db:
            db.execute("DELETE FROM facts WHERE name = ?", (FORGOTTEN,))

    def forget(self, paths: Sequence[str]) -> Change:
        """Take documents out and keep them for `restore`, in one transaction."""
        now = datetime.now(UTC).isoformat()
        with self.shelf.store.writing() as db:
            kept = [_document(db, path) for path in paths]
            text = json.dumps({"when": now, "documents": kept})
            db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (FORGOTTEN, text))
            before = [key for path in paths for key in ids_of(db, path)]
            db.executemany("DELETE FROM documents WHERE path = ?", [(path,) for path in paths])
            return Change(gone=drop_orphans(db, before))

    def restore(self) -> tuple[Change, list[str]]:
        """(what came into the database, the sources that are back); what was indexed again meanwhile stays as it is."""
        documents = self._kept()
        if not documents:
            raise NotFoundError("There is nothing to bring back: nothing was forgotten in the last day.")
        came: list[str] = []
        back: list[str] = []
        with self.shelf.store.writing() as db:
            for document in documents:
                taken = "SELECT 1 FROM documents WHERE path = ? OR source = ? OR id = ?"
                if db.execute(taken, (document["path"], document["source"], document["id"])).fetchone():
                    continue
                marks = ", ".join("?" * len(DOCUMENT))
                db.execute(
                    f"INSERT INTO documents ({', '.join(DOCUMENT)}) VALUES ({marks})",
                    [document.get(n, DEFAULT_COLLECTION) for n in DOCUMENT],
                )
                back.append(document["source"])
                for position, (key, heading, text, tokens, page) in document["chunks"]:
                    chunk = "INSERT OR IGNORE INTO chunks (id, heading, text, tokens) VALUES (?, ?, ?, ?)"
                    if db.execute(chunk, (key, heading, text, tokens)).rowcount:
                        came.append(key)
                    place = "INSERT INTO placements (document, position, chunk, page) VALUES (?, ?, ?, ?)"
                    db.execute(place, (document["id"], position, key, page))
            db.execute("DELETE FROM facts WHERE name = ?", (FORGOTTEN,))
        return Change(tuple(came)), back

    def _kept(self) -> list[dict[str, Any]]:
        """The documents of the last forgetting; none if it was too long ago."""
        kept = json.loads(self.shelf.store.fact(FORGOTTEN) or "null")
        recent = kept and datetime.now(UTC) - datetime.fromisoformat(kept["when"]) < KEPT
        return kept["documents"] if recent else []


def _document(db: Any, path: str) -> dict[str, Any]:
    row = db.execute(f"SELECT {', '.join(DOCUMENT)} FROM documents WHERE path = ?", (path,)).fetchone()
    chunks = db.execute(
        "SELECT position, c.id, heading, text, tokens, page FROM placements JOIN chunks c ON c.id = chunk "
        "WHERE document = ? ORDER BY position",
        (row[0],),
    )
    return dict(zip(DOCUMENT, row, strict=True)) | {"chunks": [(position, chunk) for position, *chunk in chunks]}
