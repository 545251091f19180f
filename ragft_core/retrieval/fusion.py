"""Ranked lists become one ranked list."""

from collections.abc import Sequence

RRF_K = 60  # Cormack, Clarke and Buettcher 2009


def fuse(*rankings: Sequence[str]) -> dict[str, float]:
    """Reciprocal rank fusion with equal weights: id -> sum of 1 / (60 + rank), best first.

    Among equal sums the one with the better best rank comes first, then the one in the earlier list.
    """
    scores: dict[str, float] = {}
    best: dict[str, int] = {}
    for ranking in rankings:
        for rank, key in enumerate(dict.fromkeys(ranking), 1):
            scores[key] = scores.get(key, 0.0) + 1 / (RRF_K + rank)
            best[key] = min(rank, best.get(key, rank))
    return dict(sorted(scores.items(), key=lambda item: (-item[1], best[item[0]])))  # sorting keeps the list order
