"""One file becomes its text in parts: a part is the whole text, a page, a slide, or one row of a table.

`read` touches nothing but the bytes it is given, so that it can run in a limited child process (see reader.py).
"""

import hashlib
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from ..errors import DocumentError
from . import books, mail, office, pdf
from .html import html_to_markdown
from .parts import LONGEST_TITLE, Loaded, Part, Reading, Wish
from .rows import csv_rows, json_rows, json_value, parquet_rows, tsv_rows
from .text import decode

VERSION = 2  # raise it when the same file would be read differently: documents are then read again on refresh
MAX_BYTES = 20 * 2**20
FENCE = re.compile(r"^\s*```")
HEADING = re.compile(r"^(#+)\s+(.*)")
USUAL = Wish()

Alive = Callable[[str], None]


def load(path: Path, max_bytes: int = MAX_BYTES, wish: Wish = USUAL) -> Loaded:
    """The text of a file, read in this process; DocumentError says why it cannot be read."""
    return parse(path, read_bytes(path, max_bytes), wish)


def parse(path: Path, data: bytes, wish: Wish = USUAL) -> Loaded:
    """The text in the bytes of a file, read in this process as its ending says."""
    return loaded(path, data, read(path.suffix, data, wish))


def read(suffix: str, data: bytes, wish: Wish = USUAL, alive: Alive = lambda _: None) -> Reading:
    """What the bytes hold, by the file's ending. `alive` is told what goes on where that takes seconds."""
    suffix = suffix.lower()
    if suffix not in SUFFIXES:
        raise DocumentError(not_read(suffix))
    try:
        if suffix in PAGED:
            reading = PAGED[suffix](data, wish, alive)
        elif suffix in BINARY:
            reading = BINARY[suffix](data, wish)
        else:
            text, encoding = decode(data, html=suffix in (".html", ".htm"))
            reading = TEXTS[suffix](text, wish)
            reading = reading if encoding == "utf-8" else Reading(reading.parts, reading.heading, f"read as {encoding}")
    except RecursionError as error:
        raise DocumentError("The file is nested too deeply to be read.") from error
    except MemoryError as error:
        raise DocumentError("The file needs more memory than there is.") from error
    if not reading.parts:
        raise DocumentError(f"The file holds no text{f' ({reading.note})' * bool(reading.note)}.")
    return reading


def not_read(suffix: str) -> str:
    """Why files with this ending are not read, and what to do."""
    if suffix in INSTEAD:
        return f"{suffix} is not read; {INSTEAD[suffix]}."
    return f"{suffix or 'A file without an ending'} is not read; readable are {', '.join(SUFFIXES)}."


def loaded(path: Path, data: bytes, reading: Reading) -> Loaded:
    """A reading with what the file itself says: its name as a title if the text has none, the hash of its bytes."""
    digest, parts = hashlib.sha256(data).hexdigest(), tuple(reading.parts)
    title = reading.heading or pretty(path.stem)
    return Loaded(title, reading.heading, parts, digest, reading.note, reading.pages)


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """The bytes of a regular, non-empty file that is no link and not too large."""
    try:  # O_NONBLOCK: opening a named pipe would wait for ever
        if path.is_symlink():
            raise DocumentError("Links are not followed; give the file itself.")
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise DocumentError("This is not a regular file.")
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise DocumentError(f"The file cannot be opened: {getattr(error, 'strerror', None) or error}.") from error
    if len(data) > max_bytes:
        size = max(status.st_size, len(data)) / 2**20
        raise DocumentError(f"The file has {size:,.1f} MB; at most {max_bytes / 2**20:,.0f} MB are read.")
    if not data:
        raise DocumentError("The file is empty.")
    return data


def first_heading(markdown: str) -> str:
    """The text of the first Markdown heading outside code; empty if there is none."""
    code = False
    for line in markdown.split("\n"):
        if FENCE.match(line):
            code = not code
        elif not code and (match := HEADING.match(line)) and plain(match[2]):
            return plain(match[2])
    return ""


def plain(heading: str) -> str:
    """A heading without its Markdown marks, on one line, not endless."""
    heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip()).rstrip("#")
    return " ".join(re.sub(r"[*`]+", "", heading).split())[:LONGEST_TITLE]


def pretty(stem: str) -> str:
    """A file's name as a title: `opening-hours_2026` -> `Opening hours 2026`."""
    words = " ".join(re.sub(r"[-_\s\x00-\x1f]+", " ", stem).split()) or stem
    return (words[:1].upper() + words[1:])[:LONGEST_TITLE]


def _text(text: str, wish: Wish) -> Reading:
    return Reading([Part(text)] if text.strip() else [])


def _markdown(text: str, wish: Wish) -> Reading:
    return Reading([Part(text, markdown=True)] if text.strip() else [], first_heading(text))


def _html(text: str, wish: Wish) -> Reading:
    title, markdown = html_to_markdown(text)
    reading = _markdown(markdown, wish)
    return Reading(reading.parts, plain(title) or reading.heading)


def _table(rows: Callable[..., list[str]]) -> Callable[..., Reading]:
    return lambda content, wish: Reading([Part(row) for row in rows(content, wish.columns)])


def _titled(reader: Callable[[bytes, Wish], Reading]) -> Callable[[bytes, Wish], Reading]:
    """`reader` with the first heading of its Markdown as the title."""

    def read(data: bytes, wish: Wish) -> Reading:
        found = reader(data, wish)
        first = found.parts[0].text if found.parts and found.parts[0].markdown else ""
        return Reading(found.parts, found.heading or first_heading(first), found.note, found.pages)

    return read


TEXTS: dict[str, Callable[[str, Wish], Reading]] = {
    ".txt": _text,
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": _html,
    ".htm": _html,
    ".csv": _table(csv_rows),
    ".tsv": _table(tsv_rows),
    ".jsonl": _table(json_rows),
    ".json": _table(json_value),
}
BINARY: dict[str, Callable[[bytes, Wish], Reading]] = {
    ".docx": _titled(office.docx),
    ".pptx": office.pptx,
    ".xlsx": office.xlsx,
    ".xls": office.xls,
    ".parquet": _table(parquet_rows),
    ".odt": _titled(office.odt),
    ".odp": office.odt,
    ".rtf": books.rtf,
    ".epub": books.epub,
    ".ipynb": _titled(books.ipynb),
    ".xml": _titled(books.xml),
    ".eml": mail.eml,
    ".msg": mail.msg,
}
PAGED: dict[str, Callable[[bytes, Wish, Alive], Reading]] = {
    ".pdf": pdf.pdf,
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff"), pdf.picture),
}
INSTEAD = {
    **{f".{old}": f"save it as .{old}x" for old in ("doc", "ppt")},
    **dict.fromkeys((".zip", ".gz", ".tar", ".7z", ".rar"), "unpack it and add what is in it"),
}
SUFFIXES = (*TEXTS, *BINARY, *PAGED)
TABLES = (".csv", ".tsv", ".jsonl", ".json", ".xlsx", ".xls", ".parquet")
