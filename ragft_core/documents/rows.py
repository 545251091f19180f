"""A table becomes one text per row, `column: value` line by line; faults are named by their line."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from ..errors import DocumentError
from .text import clean

MOST_ROWS, MOST_COLUMNS, LONGEST_CELL = 100_000, 1_000, 1_000_000
SEPARATORS = (",", ";", "\t", "|")


def csv_rows(text: str) -> list[str]:
    """The rows of a CSV file; the first row names the columns, the separator is found."""
    return _delimited(text, separator(text))


def tsv_rows(text: str) -> list[str]:
    """The rows of a file of tab-separated values."""
    return _delimited(text, "\t")


def json_rows(text: str) -> list[str]:
    """The rows of a JSON Lines file: objects, or plain strings; nested values get dotted names."""
    rows: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if len(rows) == MOST_ROWS:
            raise DocumentError(f"Line {number:,}: at most {MOST_ROWS:,} rows are read; split the file.")
        try:
            value = json.loads(line)
        except ValueError as error:
            raise DocumentError(f"Line {number:,} is not JSON: {error}.") from error
        if not isinstance(value, dict | str):
            raise DocumentError(f"Line {number:,} must be an object or a string, not {type(value).__name__}.")
        pairs = list(_pairs(value, ""))
        if len(pairs) > MOST_COLUMNS:
            raise DocumentError(f"Line {number:,} has {len(pairs):,} values; at most {MOST_COLUMNS:,} are read.")
        rows.append(_row(pairs))
    return [row for row in rows if row]


def separator(text: str) -> str:
    """The separator that cuts the first rows into the most columns, and all rows into as many; else a comma."""
    best, most = ",", 1
    for candidate in SEPARATORS:
        try:
            counts = [len(row) for row in _some(csv.reader(io.StringIO(text[:20_000]), delimiter=candidate)) if row]
        except csv.Error:
            continue
        alike = [count for count in counts if count == counts[0]]
        if counts and counts[0] > most and len(alike) * 2 > len(counts):
            best, most = candidate, counts[0]
    return best


def _some(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    return (row for row, _ in zip(rows, range(20), strict=False))


def _delimited(text: str, delimiter: str) -> list[str]:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names: list[str] | None = None
    rows: list[str] = []
    try:
        for cells in reader:
            if len(cells) > MOST_COLUMNS:
                raise DocumentError(
                    f"Line {reader.line_num:,} has {len(cells):,} columns; at most {MOST_COLUMNS:,} are read."
                )
            if names is None and any(cell.strip() for cell in cells):
                names = [] if all(_number(cell) for cell in cells) else [cell.strip() for cell in cells]
                if names:
                    continue
            if len(rows) == MOST_ROWS:
                raise DocumentError(f"Line {reader.line_num:,}: at most {MOST_ROWS:,} rows are read; split the file.")
            rows.append(_row([(_name(names or [], n), cell) for n, cell in enumerate(cells)]))
    except csv.Error as error:
        raise DocumentError(f"Line {reader.line_num:,} is not a row of values: {error}.") from error
    rows = [row for row in rows if row]
    return rows or ([", ".join(names)] if names else [])  # a header alone is still text


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return not cell.strip()
    return True


def _name(names: list[str], n: int) -> str:
    return (names[n] if n < len(names) else "") or f"column {n + 1}"


def _row(pairs: list[tuple[str, str]]) -> str:
    """`column: value` lines without the empty cells; a lone unnamed value stands by itself."""
    lines = [f"{name}: {value.strip()}" if name else value.strip() for name, value in pairs if value.strip()]
    return clean("\n".join(lines)).strip()


def _pairs(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """The (dotted name, text) pairs of a JSON value; a list of plain values is one text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _pairs(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for n, inner in enumerate(value, 1):
            yield from _pairs(inner, f"{name}.{n}" if name else str(n))
    elif isinstance(value, list):
        yield name, ", ".join(_plain(inner) for inner in value)
    else:
        yield name, _plain(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
