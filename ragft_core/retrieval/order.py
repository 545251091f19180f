"""Ranked passages become an order in which each says something new."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def diverse(ranked: Mapping[str, float], vectors: Mapping[str, "np.ndarray"], weight: float) -> dict[str, float]:
    """Maximal marginal relevance (Carbonell and Goldstein 1998): id -> gain, in the order of choice.

    A gain is `weight` times the score, scaled to 0..1, less (1 - `weight`) times the cosine to the nearest chosen
    one. `vectors` have length 1; a passage without one repeats nothing.
    """
    import numpy as np

    keys = list(ranked)
    if not keys:
        return {}
    low, high = min(ranked.values()), max(ranked.values())
    score = np.array([(ranked[key] - low) / (high - low) if high > low else 1.0 for key in keys])
    size = next((len(vector) for vector in vectors.values()), 1)
    rows = np.stack([vectors[key] if key in vectors else np.zeros(size, "<f4") for key in keys])
    alike, repeated = rows @ rows.T, np.zeros(len(keys))
    chosen: dict[str, float] = {}
    left = list(range(len(keys)))
    while left:
        gains = weight * score[left] - (1 - weight) * repeated[left]
        at = int(gains.argmax())  # the first of equals: the better ranked one
        n = left.pop(at)
        chosen[keys[n]] = float(gains[at])
        repeated = np.maximum(repeated, alike[n])
    return chosen
