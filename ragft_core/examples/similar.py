"""Texts become pairs that are nearly the same, by MinHash over their letters and an exact look at the candidates."""

import re
import zlib
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from .rows import plain

SHINGLE = 4  # letters
NEAR = 0.8  # how alike near copies are, 0 to 1
BANDS, BAND = 18, 4  # 72 hashes; two texts 0.8 alike share a band with probability > 0.9999
PRIME = 4_294_967_291
NUMBER = re.compile(r"\d+")


def shingles(text: str) -> frozenset[int]:
    """The hashed runs of 4 letters of a text's words."""
    words = plain(text)
    return frozenset(zlib.crc32(words[i : i + SHINGLE].encode()) for i in range(max(1, len(words) - SHINGLE + 1)))


def alike(a: frozenset[int], b: frozenset[int]) -> float:
    """Shared part of two sets of shingles, 0 to 1 (Jaccard)."""
    return len(a & b) / len(a | b) if a or b else 1.0


def near_pairs(texts: Sequence[str], least: float) -> list[tuple[int, int]]:
    """Pairs (i < j) of texts at least that much alike and with the same numbers in them.

    Texts that differ in a number only are taken as different facts: "item 17" is not a copy of "item 18".
    """
    return _near_pairs(tuple(texts), least)


@lru_cache(maxsize=4)  # the lint and the split ask for the same texts
def _near_pairs(texts: tuple[str, ...], least: float) -> list[tuple[int, int]]:
    import numpy as np

    sets = [shingles(text) for text in texts]
    numbers = [tuple(sorted(NUMBER.findall(text))) for text in texts]
    rng = np.random.default_rng(0)
    a = rng.integers(1, PRIME, BANDS * BAND, dtype=np.uint64)
    b = rng.integers(0, PRIME, BANDS * BAND, dtype=np.uint64)
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for n, marks in enumerate(sets):
        hashed = np.fromiter(marks, np.uint64, len(marks))
        least_hashes = ((hashed[:, None] * a + b) % np.uint64(PRIME)).min(axis=0)
        for band in range(BANDS):
            buckets[band, least_hashes[band * BAND : (band + 1) * BAND].tobytes()].append(n)
    pairs = set()
    for members in buckets.values():
        for place, i in enumerate(members[:200]):  # a bucket of hundreds holds one template, not copies
            for j in members[place + 1 : 200]:
                if (i, j) not in pairs and numbers[i] == numbers[j] and alike(sets[i], sets[j]) >= least:
                    pairs.add((i, j))
    return sorted(pairs)
