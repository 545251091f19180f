"""Chunks become counted words, kept in the database beside them, and those a keyword index that follows every change.

Finding the words of a text is the slow part of a keyword index, so it is done once for each chunk, when it comes in.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..types import Progress
from .keyword import Keyword, Numbers, Stems
from .shelf import Shelf

if TYPE_CHECKING:
    import numpy as np

VERSION, RECIPE = "1", "words_recipe"  # raise it when other words would be found: they are then counted again
AT_ONCE = 1000


class Counted:
    """The words of the chunks on a shelf. `count` may run beside `keyword`; that one is for one thread at a time."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self._stems = shelf, Stems()
        self._numbers = Numbers()
        self._rows: dict[str, np.ndarray] = {}  # of a chunk: the numbers of its words
        self._titles: dict[str, str] = {}  # what else it is found by
        if shelf.store.fact(RECIPE) != VERSION:
            shelf.drop_words()
            shelf.store.set_fact(RECIPE, VERSION)

    def count(self, ids: Sequence[str]) -> dict[str, str]:
        """Find the words of chunks that have none yet and keep them; {id: stems between spaces}."""
        if not ids:
            return {}
        found = {key: " ".join(self._stems(text)) for key, text in self.shelf.embedded(ids).items()}
        self.shelf.save_words(found)
        return found

    def keyword(self, say: Callable[[Progress], None]) -> Keyword:
        """The keyword index of the chunks that are in the database now. What was counted before is only read."""
        titles = self.shelf.titles()
        for key in self._rows.keys() - titles.keys():
            del self._rows[key], self._titles[key]
        fresh = [key for key, title in titles.items() if self._titles.get(key) != title]
        named: dict[str, list[str]] = {"": []}  # a title's stems
        for start in range(0, len(fresh), AT_ONCE):
            some = fresh[start : start + AT_ONCE]
            stems = self.shelf.words(some)
            if len(stems) < len(some):
                say(Progress(start, len(fresh), f"Counting the words of {start:,} of {len(fresh):,} passages"))
                stems |= self.count([key for key in some if key not in stems])
            for key in some:
                if key in stems:  # else it was forgotten this very moment
                    title = titles[key]
                    if title not in named:
                        named[title] = self._stems(title)
                    self._rows[key] = self._numbers.of([*named[title], *stems[key].split()])
                    self._titles[key] = title
        return Keyword(self._rows, self._numbers)
