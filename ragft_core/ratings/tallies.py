"""Ratings become counts: who was preferred to whom on which item, and how often each arm was best."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from .nouns import BAD, JUDGE, NOT_ARMS, TIE, Item, Rating, Study


@dataclass(frozen=True)
class Share:
    """A share of `n`, with its 95 % Wilson interval; all None when `n` is 0."""

    share: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Record:
    """How often an arm was chosen best, tied, was passed over for another, or stood among answers that were all bad."""

    arm: str
    wins: int
    ties: int
    losses: int
    bad: int

    @property
    def ratings(self) -> int:
        return self.wins + self.ties + self.losses + self.bad


def judged(study: Study, items: Sequence[Item], ratings: Iterable[Rating]) -> list[Rating]:
    """People's ratings that speak about the arms: no skips, attention checks, second showings, and no LLM's."""
    gold = {item.id for item in items if item.gold}
    return [r for r in ratings if r.counts and r.item not in gold and not {"repeat", JUDGE} & set(r.flags)]


def preferences(rating: Rating) -> list[tuple[str, str, str]]:
    """(arm, arm, winner | "tie" | "bad") for the pairs that a rating speaks of, in the order in which they were shown.

    "A is best" of three says A over B and A over C; of B against C it says nothing, and nothing is not a tie.
    """
    order = rating.order
    if rating.winner in NOT_ARMS:
        return [(a, b, rating.winner) for n, a in enumerate(order) for b in order[n + 1 :] if rating.counts]
    pairs = [(a, b) for n, a in enumerate(order) for b in order[n + 1 :]]
    return [(a, b, rating.winner) for a, b in pairs if rating.winner in (a, b)]


def records(arms: Sequence[str], ratings: Sequence[Rating]) -> list[Record]:
    """Per arm, over the ratings in which it was shown."""
    found = []
    for arm in arms:
        seen = [rating.winner for rating in ratings if arm in rating.order]
        wins, ties, bad = seen.count(arm), seen.count(TIE), seen.count(BAD)
        found.append(Record(arm, wins, ties, len(seen) - wins - ties - bad, bad))
    return found


def matrix(arms: Sequence[str], ratings: Iterable[Rating]) -> dict[str, dict[str, dict[str, int]]]:
    """{a: {b: {wins, ties, losses, bad}}}: how often a was preferred to b, and so on, for every pair of arms."""
    table = {a: {b: {"wins": 0, "ties": 0, "losses": 0, "bad": 0} for b in arms if b != a} for a in arms}
    for rating in ratings:
        for a, b, winner in preferences(rating):
            for one, other in ((a, b), (b, a)):
                kind = {TIE: "ties", BAD: "bad", one: "wins"}.get(winner, "losses")
                table[one][other][kind] += 1
    return table


def wilson(hits: int, n: int, level: float = 0.95) -> Share:
    """The share hits / n with the interval of Wilson 1927."""
    if not n:
        return Share(None, None, None, 0)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    p = hits / n
    middle, scale = p + z * z / (2 * n), 1 + z * z / n
    wide = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Share(p, max(0.0, (middle - wide) / scale), min(1.0, (middle + wide) / scale), n)
