"""Texts become a BM25 index in memory: words of any language, no stop words, no stemming."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

WORD = re.compile(r"[^\W_]+")
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


class Keyword:
    """BM25 over {id: text}; it never changes, a new one is made after the texts have."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        import bm25s

        self.ids = sorted(texts)
        corpus = [words(texts[key]) for key in self.ids]
        self._bm25: Any = None
        if any(corpus):
            self._bm25 = bm25s.BM25(method="lucene")
            self._bm25.index(corpus, show_progress=False)

    def scores(self, question: str) -> dict[str, float]:
        """{id: BM25 score} of every text that shares a word with the question, best first, ties by id."""
        import numpy as np

        known = [word for word in words(question) if self._bm25 and word in self._bm25.vocab_dict]
        if not known:
            return {}
        scores = self._bm25.get_scores(known)
        order = np.argsort(-scores, kind="stable")
        return {self.ids[n]: float(scores[n]) for n in order[: int((scores > 0).sum())]}
