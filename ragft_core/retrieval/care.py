"""The index becomes a report on its own health, and a passage's text becomes another one in place."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..documents import Chunk, Cutter, Loaded
from ..documents.loaders import Part
from ..errors import DocumentError
from ..store import storable
from ..types import Document
from .check import Finding
from .dense import Dense
from .embedding import Embedder
from .ingest import embed_missing
from .lookup import pieces
from .shelf import Change, Shelf

CHECKED = "index_checked"  # the fact that holds the last check


@dataclass(frozen=True)
class Check:
    """What the last check found: passages missing from Chroma, in it without a place, and not finding themselves."""

    at: str
    asked: int
    missing: int
    extra: int
    lost: int

    @property
    def sound(self) -> bool:
        return not (self.missing or self.extra or self.lost)


@dataclass(frozen=True)
class Stale:
    """A document that is no longer as its file is; `why` is changed, gone, or cut otherwise."""

    source: str
    path: str
    why: str


@dataclass(frozen=True)
class Health:
    """The state of the index. `vectors` are those that Chroma holds; `stale` is empty unless the files were read."""

    documents: int
    passages: int
    vectors: int
    embedding: str
    cut: str
    checked: Check | None
    stale: tuple[Stale, ...] = ()
    files_read: bool = False


def health(shelf: Shelf, dense: Dense, cut: str, stale: tuple[Stale, ...] | None = None) -> Health:
    """What is known without a check; `stale` as `stale_files` gives it, if the files were read."""
    store = shelf.store
    kept = store.fact(CHECKED)
    return Health(
        store.count_documents(),
        store.count_chunks(),
        dense.count(),
        shelf.model,
        cut,
        Check(**json.loads(kept)) if kept else None,
        stale or (),
        stale is not None,
    )


def remember(shelf: Shelf, finding: Finding) -> Check:
    """Keep what a check found in the database."""
    check = Check(now(), finding.asked, len(finding.missing), len(finding.extra), len(finding.lost))
    shelf.store.set_fact(CHECKED, json.dumps(asdict(check)))
    return check


def stale_files(shelf: Shelf, recipe: str, uploads: Path) -> tuple[Stale, ...]:
    """The documents whose files have changed or gone, or which were cut by other settings.

    Files below `uploads` were dropped on the page and are not kept, so their going means nothing.
    """
    found = []
    for path, entry in shelf.entries().items():
        file = Path(path)
        if not file.is_relative_to(uploads):
            try:
                with file.open("rb") as data:
                    if hashlib.file_digest(data, "sha256").hexdigest() != entry.sha256:
                        found.append(Stale(entry.source, path, "changed"))
                        continue
            except OSError:
                found.append(Stale(entry.source, path, "gone"))
                continue
        if not entry.recipe.startswith(recipe):
            found.append(Stale(entry.source, path, "cut otherwise"))
    return tuple(found)


def edit(
    shelf: Shelf,
    cutter: Cutter,
    embedder: Embedder,
    source: str,
    old: str,
    text: str,
    apply: Callable[[Change], None],
) -> Change:
    """Put `text` in the place of the chunk with the id `old` in one document, embed it, and tell the indexes.

    The document's file is not touched, and stays the one this document was read from: a refresh of its folder leaves
    the edit alone until the file itself changes. DocumentError for an empty text or a chunk that is not there.
    """
    text = storable(text).strip()
    if not text:
        raise DocumentError("A passage cannot be empty. Forget the document to take it out of the index.")
    before = pieces(shelf, source)
    at = next((piece for piece in before if piece.id == old), None)
    if at is None:
        raise DocumentError("This passage has changed since it was shown; open the document again.")
    fresh = cutter.cut(Loaded("", at.heading, (Part(text, at.page),), ""))
    chunks: list[Chunk] = []
    for piece in before:
        chunks += fresh if piece.id == old else [Chunk(piece.heading, piece.text, piece.tokens, piece.page)]
    embed_missing(shelf, embedder, {chunk.id: chunk.embedded for chunk in fresh}, lambda *_: None)
    (row,) = shelf.store.rows(
        "SELECT id, path, title, sha256, recipe, chars, collection FROM documents WHERE source = ?", (source,)
    )
    key, path, title, sha256, recipe, chars, collection = row
    document = Document(
        key, source, title, sha256, max(0, chars + len(text) - len(at.text)), len(chunks), now(), collection
    )
    change = shelf.put(document, path, recipe, unique(chunks))
    apply(change)
    return change


def unique(chunks: Sequence[Chunk]) -> list[Chunk]:
    """A text that repeats within a document comes once, as the cutter does it."""
    return list({chunk.id: chunk for chunk in chunks}.values())


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
