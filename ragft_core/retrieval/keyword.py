"""Texts become a BM25 index in memory: all words of any language, English ones by their stem."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

WORD = re.compile(r"[^\W_]+")
PLAIN = re.compile("[a-z]{3,40}")
# What an English question is asked with, and says nothing of what it is about.
ASKING = frozenset(
    """a an and any are as at be been by can could did do does for from had has have how in is it its not of on or
    should that the there these this those to was were what when where which who whom whose why with would""".split()
)
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

    def __call__(self, text: str) -> list[str]:
        return [self.of(word) for word in words(text)]

    def telling(self, text: str) -> set[str]:
        """The stems of a text's words without those that questions are asked with."""
        return {self.of(word) for word in words(text) if word not in ASKING}

    def of(self, word: str) -> str:
        return self._english.stemWord(word) if PLAIN.fullmatch(word) else word


class Keyword:
    """BM25 over {id: text}; it never changes, a new one is made after the texts have."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        import bm25s

        self.ids, self._stems = sorted(texts), Stems()
        corpus = [self._stems(texts[key]) for key in self.ids]
        self._bm25: Any = None
        if any(corpus):
            self._bm25 = bm25s.BM25(method="lucene")
            self._bm25.index(corpus, show_progress=False)

    def best(self, question: str, most: int, among: Collection[str] | None = None) -> dict[str, float]:
        """{id: BM25 score} of the `most` texts that share words with the question, best first, ties by id.

        Words like "what" and "the" count only in a question that has no others.
        """
        import numpy as np

        asked = [word for word in words(question) if word not in ASKING] or words(question)
        known = [stem for stem in map(self._stems.of, asked) if self._bm25 and stem in self._bm25.vocab_dict]
        if not known or most < 1:
            return {}
        scores = self._bm25.get_scores(known)
        hits = np.flatnonzero(scores > 0)
        if among is not None:
            hits = np.array([n for n in hits if self.ids[n] in among], dtype=int)
        if len(hits) > most:  # sorting all of a large index would take longer than scoring it
            last = np.partition(scores[hits], -most)[-most]
            hits = hits[scores[hits] >= last]
        order = hits[np.argsort(-scores[hits], kind="stable")][:most]
        return {self.ids[n]: float(scores[n]) for n in order}
