"""Counted words become a BM25 index in memory: all words of any language, English ones by their stem."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

WORD = re.compile(r"[^\W_]+")
PLAIN = re.compile("[a-z]{3,40}")
# What an English question is asked with, and says nothing of what it is about.
ASKING = frozenset(
    """a an and any are as at be been by can could did do does for from had has have how in is it its not of on or
    should that the there these this those to was were what when where which who whom whose why with would""".split()
)
MOST_KNOWN = 200_000  # words whose stem is remembered
K1, B = 1.5, 0.75  # of BM25, as bm25s and Lucene have them
# Scripts written without spaces: single marks and pairs of neighbours stand for words.
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


def words(text: str) -> list[str]:
    """The words of a text, folded: case, width and compatibility forms do not matter."""
    found = []
    for word in WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        if UNSPACED.search(word):
            for run in UNSPACED.findall(word):
                found += [*run, *(run[n : n + 2] for n in range(len(run) - 1))]
            found += UNSPACED.sub(" ", word).split()
        else:
            found.append(word)
    return found


class Stems:
    """Words become their stems by Snowball's English rules: `costs` finds `cost`.

    Only words of plain letters have one. Numbers, codes and words with any other letter stay as they are; a word of
    another language in plain letters loses at most an ending, on both sides of the search, so it still finds itself.
    """

    def __init__(self) -> None:
        import Stemmer

        self._english = Stemmer.Stemmer("english")
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> list[str]:
        return [self.of(word) for word in words(text)]

    def telling(self, text: str) -> set[str]:
        """The stems of a text's words without those that questions are asked with."""
        return {self.of(word) for word in words(text) if word not in ASKING}

    def of(self, word: str) -> str:
        stem = self._known.get(word)
        if stem is None:
            stem = self._english.stemWord(word) if PLAIN.fullmatch(word) else word
            if len(self._known) < MOST_KNOWN:
                self._known[word] = stem
        return stem


class Keyword:
    """BM25 over chunks given as the numbers of their words: {id: int32 array}; it never changes, a new one is made.

    `numbers` gives a stem its number. Scores are Lucene's, those of bm25s, which is the tests' oracle: for every word
    of the question log(1 + (N - n + 0.5) / (n + 0.5)) * f / (f + k1 (1 - b + b * length / mean length)).
    """

    def __init__(self, rows: Mapping[str, "np.ndarray"], numbers: Mapping[str, int]) -> None:
        import numpy as np
        from scipy.sparse import csr_array

        self.ids, self._numbers, self._stems = sorted(rows), numbers, Stems()
        lengths = np.array([len(rows[key]) for key in self.ids], dtype=np.int64)
        terms = np.concatenate([np.empty(0, np.int32), *(rows[key] for key in self.ids)])
        starts, shape = np.concatenate([[0], np.cumsum(lengths)]), (len(self.ids), len(numbers))
        counts = csr_array((np.ones(len(terms), np.float32), terms, starts), shape=shape)
        counts.sum_duplicates()
        by_word = counts.tocsc()
        self._starts, self._places = by_word.indptr, by_word.indices
        holding = np.diff(by_word.indptr)  # chunks that hold the word
        weight = np.log(1 + (len(self.ids) - holding + 0.5) / (holding + 0.5))
        norm = K1 * (1 - B + B * lengths / max(lengths.mean(), 1e-9)) if len(lengths) else lengths
        share = by_word.data / (by_word.data + norm.astype(np.float32)[by_word.indices])
        self._scores = share * np.repeat(weight.astype(np.float32), holding)

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "Keyword":
        """The index of {id: text}."""
        stems, numbers = Stems(), Numbers()
        return cls({key: numbers.of(stems(text)) for key, text in texts.items()}, numbers)

    def best(self, question: str, most: int, among: Collection[str] | None = None) -> dict[str, float]:
        """{id: BM25 score} of the `most` texts that share words with the question, best first, ties by id.

        Words like "what" and "the" count only in a question that has no others.
        """
        import numpy as np

        asked = [word for word in words(question) if word not in ASKING] or words(question)
        known = [self._numbers.get(self._stems.of(word), -1) for word in asked]
        if most < 1:
            return {}
        scores = np.zeros(len(self.ids), np.float32)
        for number in known:
            if 0 <= number < len(self._starts) - 1:  # numbers are shared with indexes made later, of more words
                column = slice(self._starts[number], self._starts[number + 1])
                scores[self._places[column]] += self._scores[column]
        hits = np.flatnonzero(scores > 0)
        if among is not None:
            hits = np.array([n for n in hits if self.ids[n] in among], dtype=int)
        if len(hits) > most:  # sorting all of a large index would take longer than scoring it
            last = np.partition(scores[hits], -most)[-most]
            hits = hits[scores[hits] >= last]
        order = hits[np.argsort(-scores[hits], kind="stable")][:most]
        return {self.ids[n]: float(scores[n]) for n in order}


class Numbers(dict[str, int]):
    """{stem: its number}; a new stem gets the next one when it is looked up."""

    def __missing__(self, stem: str) -> int:
        self[stem] = number = len(self)
        return number

    def of(self, stems: Sequence[str]) -> "np.ndarray":
        """The numbers of stems, int32."""
        import numpy as np

        return np.fromiter(map(self.__getitem__, stems), np.int32, len(stems))
