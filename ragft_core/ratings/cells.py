"""Rows of text become a CSV that a spreadsheet shows and never runs, and back without a difference.

A text that a spreadsheet could take for a formula gets one `'` in front, and so does one that already looks as if it
had got one. The undo: take one `'` off where what follows it would get one.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from .nouns import clean

TRIGGER = re.compile(r"['\s\ufeff\u200b\u2060\x1c-\x1f]*[=+\-@＝＋－＠]|'*[\t\r\n]")
LONGEST_CELL = 32_767
"""What Excel shows of a cell; longer ones are exact in the file but cut when Excel saves it again."""


def safe(text: str) -> str:
    """The text as a cell: nothing a spreadsheet would run, nothing UTF-8 cannot hold."""
    text = clean(text)
    return "'" + text if TRIGGER.match(text) else text


def unsafe(cell: str) -> str:
    """The inverse of `safe`, for every text without NUL and halves of surrogate pairs."""
    return cell[1:] if cell.startswith("'") and TRIGGER.match(cell[1:]) else cell


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """RFC 4180 with every cell quoted, lines ended by CR LF, and a BOM, by which Excel knows UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([safe(name) for name in header])
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")
