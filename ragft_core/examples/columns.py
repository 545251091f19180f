"""Tables (CSV, TSV, XLSX) become lines of cells, and their columns are matched to question, answer and context."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from .rows import Problem

ALIASES = {
    "question": ("question", "prompt", "instruction", "query", "input", "q", "frage"),
    "answer": ("answer", "response", "output", "completion", "reply", "a", "antwort"),
    "context": ("context", "passage", "passages", "document", "source_text"),
    "group": ("group", "topic", "fact"),
    "id": ("id", "key"),
}
MOST_COLUMNS, LONGEST_CELL = 1_000, 1_000_000
LARGEST_BOOK = 400_000_000  # bytes, unpacked
Lines = Iterator[tuple[int, list[str] | Problem]]


def table(path: Path, text: Callable[[Path], str]) -> tuple[tuple[str, ...], Lines]:
    """The column names of a table and its further lines."""
    lines = _sheet(path) if path.suffix.lower() == ".xlsx" else _delimited(text(path), path.suffix.lower())
    header = next(((line, cells) for line, cells in lines), None)
    if header is None or isinstance(header[1], Problem):
        raise DatasetError(f"{path.name} has no header line that names its columns.")
    columns = tuple(cell.strip() for cell in header[1])
    if len(columns) > MOST_COLUMNS:
        raise DatasetError(f"{path.name} has {len(columns):,} columns; at most {MOST_COLUMNS:,} are read.")
    return columns, lines


def guess_mapping(columns: Sequence[str]) -> dict[str, str]:
    """Which column is the question, the answer and so on; DatasetError when that cannot be told."""
    lower = {column.casefold(): column for column in reversed(columns)}
    found: dict[str, str] = {}
    for field, names in ALIASES.items():
        column = next((lower[name] for name in names if name in lower), None)
        if column is not None and column not in found.values():
            found[field] = column
    missing = [field for field in ("question", "answer") if field not in found]
    if missing:
        raise DatasetError(
            f"It cannot be told which column is the {' and which the '.join(missing)}; the columns are "
            f"{', '.join(columns)[:200]}. Give the column mapping."
        )
    return found


def checked_mapping(mapping: Mapping[str, str], columns: Sequence[str]) -> dict[str, str]:
    """The mapping as it is, if every field and column of it exists; else DatasetError."""
    strange = [field for field in mapping if field not in ALIASES]
    if strange:
        raise DatasetError(f"There is no field {strange[0][:40]!r}; there are {', '.join(ALIASES)}.")
    gone = [column for column in mapping.values() if column not in columns]
    if gone:
        raise DatasetError(f"There is no column {gone[0][:40]!r}; the columns are {', '.join(columns)[:200]}.")
    missing = [field for field in ("question", "answer") if field not in mapping]
    if missing:
        raise DatasetError(f"Say which column is the {missing[0]}; the columns are {', '.join(columns)[:200]}.")
    return dict(mapping)


def _delimited(text: str, suffix: str) -> Lines:
    """(line, cells) of a CSV text; a line the reader cannot take is a Problem, and reading goes on after it."""
    csv.field_size_limit(LONGEST_CELL)
    sample = text[:20_000]
    separator = "\t" if suffix == ".tsv" else max(",;\t|", key=sample.split("\n", 1)[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, Problem(line, "broken", f"The line cannot be read as CSV: {error}.", blocking=True)
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells


def _sheet(path: Path) -> Lines:
    """(line, cells) of the first sheet of a workbook."""
    try:
        import openpyxl
    except ImportError as error:
        raise DatasetError(
            "XLSX files need the package openpyxl, which is not installed. Save the sheet as CSV, "
            "or install it: pip install openpyxl."
        ) from error
    _no_bomb(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        rows: Any = enumerate(book.worksheets[0].iter_rows(values_only=True), 1)
        for line, cells in rows:
            texts = ["" if cell is None else str(cell) for cell in cells]
            if any(texts):
                yield line, texts
    except (OSError, KeyError, ValueError, IndexError, TypeError, SyntaxError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path.name} cannot be read as an Excel workbook ({str(error)[:200]}).") from error


def _no_bomb(path: Path) -> None:
    """Refuse a workbook that would unpack to more than is sensible."""
    try:
        with zipfile.ZipFile(path) as book:
            size = sum(entry.file_size for entry in book.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path.name} cannot be read as an Excel workbook ({str(error)[:200]}).") from error
    if size > LARGEST_BOOK:
        raise DatasetError(f"{path.name} unpacks to {size / 1e6:,.0f} MB; save the sheet as CSV.")
