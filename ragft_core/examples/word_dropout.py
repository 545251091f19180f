"""Common words of a question are left out at random in training, so that an answer hangs on no single wording.

Random deletion of Wei and Zou (2019), "EDA: Easy Data Augmentation Techniques for Boosting Performance on Text
Classification Tasks"; here never of the words that tell what the question is about.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from .rows import WORD, Example

LEAST, PART = 5, 0.02  # in so many questions, and in this part of all, stands a word that is of the wording


def common_words(rows: Sequence[Example]) -> frozenset[str]:
    """The words, in lower case, that stand in many of the questions."""
    counts = Counter(word for row in rows for word in set(WORD.findall(row.question.casefold())))
    least = max(LEAST, PART * len(rows))
    return frozenset(word for word, count in counts.items() if count >= least)


def thinned(row: Example, rng: random.Random, share: float, common: frozenset[str]) -> Example:
    """The row with each common word of its question left out with the probability `share`, 0 to 1.

    Names and words with digits stay, and so does the question when no common word would be left in it.
    """
    words = row.question.split()
    loose = [n for n, word in enumerate(words) if _loose(word, n, common)]
    left_out = {n for n in loose if rng.random() < share}
    if not left_out or len(left_out) == len(loose):
        return row
    text = " ".join(word for n, word in enumerate(words) if n not in left_out)
    end = row.question[-1] if row.question[-1] in "?!." and text[-1] not in "?!." else ""
    return replace(row, question=f"{text[0].upper()}{text[1:]}{end}")


def _loose(word: str, place: int, common: frozenset[str]) -> bool:
    parts = WORD.findall(word.casefold())
    name = place > 0 and word[0].isupper()
    return bool(parts) and not name and all(part in common and not part.isdigit() for part in parts)
