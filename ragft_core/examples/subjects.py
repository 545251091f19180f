"""What a row is about gets an invented name, so that a model learns to copy words that it has never written."""

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from .rows import WORD, Example

RARE = 0.1  # part of all contexts in which a word may stand and still tell what a row is about
ONSETS = "b br c cl d dr f fl g gr h j k l m n p pr qu r s st t tr v w z".split()
VOWELS = "a e i o u ai ea ou".split()
CODAS = ["", "", "l", "n", "r", "s", "x", "nd", "st"]


def with_subjects(rows: Sequence[Example]) -> list[Example]:
    """Each row with the words of its question that stand in its own context and in hardly any other."""
    contexts = {text: set(WORD.findall(text.casefold())) for row in rows for text in row.context}
    counts = Counter(word for words in contexts.values() for word in words)
    most = max(1, RARE * len(contexts))
    made = []
    for row in rows:
        words = dict.fromkeys(word for word in WORD.findall(row.question.casefold()) if len(word) > 2)
        own = {word for text in row.context for word in contexts[text]}
        value = set(WORD.findall(row.value.casefold()))
        kept = tuple(w for w in words if w in own - value and counts[w] <= most and not any(c.isdigit() for c in w))
        made.append(replace(row, subject=kept))
    return made


def renamed(text: str, names: dict[str, str]) -> str:
    """The text with each word replaced wherever it stands as a whole word, its capital kept."""

    def other(found: re.Match[str]) -> str:
        name = names[found[0].casefold()]
        return name.capitalize() if found[0][0].isupper() else name

    if not names:
        return text
    return re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)", other, text, flags=re.I)


def invented(rng: random.Random) -> str:
    """A word of two syllables that can be read aloud and means nothing."""
    return "".join(rng.choice(ONSETS) + rng.choice(VOWELS) for _ in range(2)) + rng.choice(CODAS)
