"""The first lines of a table, as they stand, for the choice of which column is what."""

from pathlib import Path

from ..errors import DatasetError
from .columns import guess_mapping, table
from .read import _text

TABLES = (".csv", ".tsv", ".xlsx")


def is_table(path: Path) -> bool:
    """Whether a file has columns to be mapped."""
    return path.suffix.lower() in TABLES


def head(path: Path, rows: int = 5) -> tuple[tuple[str, ...], list[list[str]]]:
    """The column names of a table and its first lines that can be read. DatasetError when there are none."""
    try:
        columns, lines = table(path, _text)
        shown = []
        for _, cells in lines:
            if isinstance(cells, list):
                shown.append(cells)
            if len(shown) >= rows:
                break
    except OSError as error:
        raise DatasetError(f"{path.name} cannot be read ({error.strerror or error}). Choose it again.") from error
    return columns, shown


def guessed(columns: tuple[str, ...]) -> dict[str, str]:
    """The mapping as far as the names tell; empty when they do not."""
    try:
        return guess_mapping(columns)
    except DatasetError:
        return {}
