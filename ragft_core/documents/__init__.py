"""Files become text, and text becomes chunks; what cannot be read says why in one sentence."""

from .chunks import Chunk, Cutter
from .folders import Found, find, shown
from .loaders import SUFFIXES, TABLES, load, parse, read_bytes
from .parts import Columns, Loaded, Part, Wish
from .reader import Reader, Stopped

__all__ = [
    "SUFFIXES",
    "TABLES",
    "Chunk",
    "Columns",
    "Cutter",
    "Found",
    "Loaded",
    "Part",
    "Reader",
    "Stopped",
    "Wish",
    "find",
    "load",
    "parse",
    "read_bytes",
    "shown",
]
