"""One file becomes its text in parts: a part is the whole text, or one row of a table.

`load` touches nothing but the file it is given, so that it can run in a limited child process.
"""

import hashlib
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import DocumentError
from .html import html_to_markdown
from .rows import csv_rows, json_rows, tsv_rows
from .text import decode

MAX_BYTES = 20 * 2**20
LONGEST_TITLE = 200
FENCE = re.compile(r"^\s*```")
HEADING = re.compile(r"^(#+)\s+(.*)")


@dataclass(frozen=True)
class Part:
    """A piece of a document that chunks never span; `page` counts from 1 where the format has pages."""

    text: str
    page: int | None = None
    markdown: bool = False


@dataclass(frozen=True)
class Loaded:
    """A document's text. `heading` is the title if the text itself gives one; `note` is for the report.

    `sha256` is of the file's bytes, the same ones that the text was read from.
    """

    title: str
    heading: str
    parts: tuple[Part, ...]
    sha256: str
    note: str = ""

    @property
    def chars(self) -> int:
        return sum(len(part.text) for part in self.parts)


def load(path: Path, max_bytes: int = MAX_BYTES) -> Loaded:
    """The text of a file; DocumentError says why it cannot be read."""
    return parse(path, read_bytes(path, max_bytes))


def parse(path: Path, data: bytes) -> Loaded:
    """The text in the bytes of a file, read as its ending says."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DocumentError(
            f"{path.suffix or 'A file without an ending'} is not read; readable are {', '.join(SUFFIXES)}."
        )
    try:
        text, encoding = decode(data, html=reader is _html)
        heading, parts = reader(text)
    except RecursionError as error:
        raise DocumentError("The file is nested too deeply to be read.") from error
    except MemoryError as error:
        raise DocumentError("The file needs more memory than there is.") from error
    if not parts:
        raise DocumentError("The file holds no text.")
    note = "" if encoding == "utf-8" else f"read as {encoding}"
    return Loaded(heading or pretty(path.stem), heading, tuple(parts), hashlib.sha256(data).hexdigest(), note)


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


def _text(text: str) -> tuple[str, list[Part]]:
    return "", [Part(text)] if text.strip() else []


def _markdown(text: str) -> tuple[str, list[Part]]:
    return first_heading(text), [Part(text, markdown=True)] if text.strip() else []


def _html(text: str) -> tuple[str, list[Part]]:
    title, markdown = html_to_markdown(text)
    return plain(title) or first_heading(markdown), _markdown(markdown)[1]


def _table(rows: Callable[[str], list[str]]) -> Callable[[str], tuple[str, list[Part]]]:
    return lambda text: ("", [Part(row) for row in rows(text)])


READERS: dict[str, Callable[[str], tuple[str, list[Part]]]] = {
    ".txt": _text,
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": _html,
    ".htm": _html,
    ".csv": _table(csv_rows),
    ".tsv": _table(tsv_rows),
    ".jsonl": _table(json_rows),
}
SUFFIXES = tuple(READERS)
