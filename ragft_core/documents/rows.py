"""A table becomes one text per row, `column: value` line by line; faults are named by their line."""

import csv
import importlib.util
import io
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..errors import DocumentError
from .parts import Columns
from .text import clean

MOST_ROWS, MOST_COLUMNS, LONGEST_CELL = 100_000, 1_000, 1_000_000
SEPARATORS = (",", ";", "\t", "|")
ALL = Columns()

Pairs = list[tuple[str, str]]


def csv_rows(text: str, columns: Columns = ALL) -> list[str]:
    """The rows of a CSV file; the first row names the columns, the separator is found."""
    return _delimited(text, separator(text), columns)


def tsv_rows(text: str, columns: Columns = ALL) -> list[str]:
    """The rows of a file of tab-separated values."""
    return _delimited(text, "\t", columns)


def json_rows(text: str, columns: Columns = ALL) -> list[str]:
    """The rows of a JSON Lines file: objects, or plain strings; nested values get dotted names."""
    return _texts(_json_lines(text), columns)


def json_value(text: str, columns: Columns = ALL) -> list[str]:
    """The rows of a JSON file: of its list, or of the only list in its object; any other value is one row."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise DocumentError(f"The file is not JSON: {error}.") from error
    if isinstance(value, dict) and len(lists := [v for v in value.values() if _is_table(v)]) == 1:
        value = lists[0]
    rows = value if _is_table(value) else [value]
    return _texts(((n, _checked(f"Row {n:,}", list(_pairs(row, "")))) for n, row in enumerate(rows, 1)), columns)


def parquet_rows(data: bytes, columns: Columns = ALL) -> list[str]:
    """The rows of a Parquet file, as Hugging Face datasets have them; needs the package pyarrow."""
    if importlib.util.find_spec("pyarrow") is None:
        raise DocumentError("Parquet is read with the package pyarrow: pip install pyarrow, and add the file again.")
    import pyarrow.parquet  # type: ignore[import-not-found, import-untyped, unused-ignore]

    try:
        batches = pyarrow.parquet.ParquetFile(io.BytesIO(data)).iter_batches(1000)
        rows = (row for batch in batches for row in batch.to_pylist())
        return _texts(((n, _checked(f"Row {n:,}", list(_pairs(row, "")))) for n, row in enumerate(rows, 1)), columns)
    except (pyarrow.ArrowException, OSError) as error:
        raise DocumentError(f"The Parquet file is damaged ({str(error)[:100]}).") from error


def table_rows(
    rows: Iterable[tuple[int, Sequence[str]]], columns: Columns = ALL, above: Pairs | None = None
) -> list[str]:
    """The texts of a table of cells given as (line, cells); its first row with words in every cell names the columns.

    `above` are pairs that every row begins with. A header without rows is still text.
    """
    names: list[str] | None = None
    header: list[str] = []

    def pairs() -> Iterator[tuple[int, Pairs]]:
        nonlocal names, header
        for line, cells in rows:
            if len(cells) > MOST_COLUMNS:
                raise DocumentError(f"Line {line:,} has {len(cells):,} columns; at most {MOST_COLUMNS:,} are read.")
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                names = [] if all(_number(cell) for cell in cells) else [cell.strip() for cell in cells]
                if names:
                    header = names
                    continue
            yield line, [*(above or ()), *((_name(names, n), cell) for n, cell in enumerate(cells))]

    texts = _texts(pairs(), columns)
    return texts or ([", ".join(filter(None, header))] if header and not columns.content else [])


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


def _delimited(text: str, delimiter: str, columns: Columns) -> list[str]:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return table_rows(((reader.line_num, cells) for cells in reader), columns)
    except csv.Error as error:
        raise DocumentError(f"Line {reader.line_num:,} is not a row of values: {error}.") from error


def _json_lines(text: str) -> Iterator[tuple[int, Pairs]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise DocumentError(f"Line {number:,} is not JSON: {error}.") from error
        if not isinstance(value, dict | str):
            raise DocumentError(f"Line {number:,} must be an object or a string, not {type(value).__name__}.")
        yield number, _checked(f"Line {number:,}", list(_pairs(value, "")))


def _texts(rows: Iterable[tuple[int, Pairs]], columns: Columns) -> list[str]:
    """The rows as texts: all of them, or a sample of `columns.limit`, which is Vitter's algorithm R."""
    kept: list[tuple[int, str]] = []
    seen, rng = 0, random.Random(columns.seed)
    for line, pairs in rows:
        text = _chosen(pairs, columns, line) if columns.content or columns.metadata else _row(pairs)
        if not text:
            continue
        seen += 1
        if columns.limit and seen > columns.limit:
            place = rng.randrange(seen)
            if place < columns.limit:
                kept[place] = (line, text)
        elif len(kept) == MOST_ROWS:
            raise DocumentError(f"Line {line:,}: at most {MOST_ROWS:,} rows are read; split the file, or set a limit.")
        else:
            kept.append((line, text))
    return [text for _, text in sorted(kept)]


def _chosen(pairs: Pairs, columns: Columns, line: int) -> str:
    """The content column's words, the metadata columns below; DocumentError if there is no such column."""
    there = dict(pairs)
    for name in filter(None, (columns.content, *columns.metadata)):
        if name not in there:
            known = ", ".join(list(there)[:20])
            raise DocumentError(f"Line {line:,} has no column {name!r}; it has {known or 'none'}.")
    below = _row([(name, there[name]) for name in columns.metadata])
    if not columns.content:
        return below
    content = clean(there[columns.content]).strip()
    return "\n".join(filter(None, [content, below])) if content else ""


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return not cell.strip()
    return True


def _name(names: list[str], n: int) -> str:
    return (names[n] if n < len(names) else "") or f"column {n + 1}"


def _row(pairs: Pairs) -> str:
    """`column: value` lines without the empty cells; a lone unnamed value stands by itself."""
    lines = [f"{name}: {value.strip()}" if name else value.strip() for name, value in pairs if value.strip()]
    return clean("\n".join(lines)).strip()


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict | str) for row in value)


def _checked(place: str, pairs: Pairs) -> Pairs:
    if len(pairs) > MOST_COLUMNS:
        raise DocumentError(f"{place} has {len(pairs):,} values; at most {MOST_COLUMNS:,} are read.")
    return pairs


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
    if isinstance(value, bytes):
        return ""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, default=str)
