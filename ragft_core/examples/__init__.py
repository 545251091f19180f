"""A file of examples becomes checked rows: read, linted, split, and shown to the model as SFT or RAFT lessons."""

from ..errors import DatasetError
from .lessons import RECIPES, Lesson, Recipe, closed_book, epoch_lessons, probe_lessons
from .lint import lint
from .read import Reading, read
from .rows import Example, Problem
from .split import Split, split

__all__ = [
    "RECIPES",
    "DatasetError",
    "Example",
    "Lesson",
    "Problem",
    "Reading",
    "Recipe",
    "Split",
    "closed_book",
    "epoch_lessons",
    "lint",
    "probe_lessons",
    "read",
    "split",
]
