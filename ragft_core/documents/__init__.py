"""Files become text, and text becomes chunks; what cannot be read says why in one sentence."""

from .chunks import Chunk, Cutter
from .folders import Found, find, shown
from .loaders import SUFFIXES, Loaded, Part, load, parse, read_bytes

__all__ = ["SUFFIXES", "Chunk", "Cutter", "Found", "Loaded", "Part", "find", "load", "parse", "read_bytes", "shown"]
