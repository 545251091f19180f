"""Questions to the database about single passages: their fields, their neighbours, the chunks of a document."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import NotFoundError
from ..store import storable
from .conditions import fields
from .shelf import AT_ONCE, Shelf


@dataclass(frozen=True)
class Piece:
    """A chunk where it stands in a document; `position` counts from 0."""

    position: int
    id: str
    heading: str
    text: str
    tokens: int
    page: int | None


def fields_of(
    shelf: Shelf, ids: Sequence[str] | None = None, collection: str = ""
) -> Iterator[tuple[str, dict[str, str]]]:
    """(chunk id, its fields) of all chunks or of these; a text in several documents (of the collection, if one is
    named) comes once for each."""
    sql = (
        "SELECT c.id, c.text, d.source, d.title, d.added, p.page, d.id FROM placements p "
        "JOIN documents d ON d.id = p.document JOIN chunks c ON c.id = p.chunk WHERE ? IN ('', d.collection)"
    )
    beginnings = dict(
        shelf.store.rows("SELECT document, text FROM placements JOIN chunks ON id = chunk WHERE position = 0")
    )
    parts = [None] if ids is None else [ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)]
    for some in parts:
        where = "" if some is None else f" AND c.id IN ({','.join('?' * len(some))})"
        for key, text, source, title, added, page, document in shelf.store.rows(
            sql + where, (collection, *(some or ()))
        ):
            own = {"source": source, "title": title, "added": added, "page": str(page or "")}
            yield key, fields(beginnings.get(document, "")) | fields(text) | own


def around(shelf: Shelf, key: str, source: str, reach: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The (id, text) of up to `reach` chunks before and after a chunk of a document, under the same heading."""
    rows = shelf.store.rows(
        "SELECT p.position, c.id, c.text FROM placements p JOIN chunks c ON c.id = p.chunk "
        "JOIN documents d ON d.id = p.document, (SELECT document, position, heading FROM placements "
        "JOIN documents ON documents.id = document JOIN chunks ON chunks.id = chunk "
        "WHERE chunk = ? AND source = ? LIMIT 1) at "
        "WHERE p.document = at.document AND p.position BETWEEN at.position - ? AND at.position + ? "
        "AND c.heading = at.heading ORDER BY p.position",
        (key, storable(source), reach, reach),
    )
    here = next((position for position, other, _ in rows if other == key), 0)
    before = [(other, text) for position, other, text in rows if position < here and other != key]
    after = [(other, text) for position, other, text in rows if position > here and other != key]
    return before, after


def pieces(shelf: Shelf, source: str, most: int = 10_000) -> list[Piece]:
    """The chunks of a document in reading order; NotFoundError when there is no such document."""
    rows = shelf.store.rows(
        "SELECT position, c.id, heading, text, tokens, page FROM placements JOIN chunks c ON c.id = chunk "
        "JOIN documents d ON d.id = document WHERE source = ? ORDER BY position LIMIT ?",
        (storable(source), most),
    )
    if not rows:
        raise NotFoundError(f"There is no document {source[:200]!r} in the index; list the documents first.")
    return [Piece(*row) for row in rows]
