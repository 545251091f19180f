"""Counts of who was preferred to whom become strengths on a log-odds scale, with intervals and a verdict."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from .nouns import BAD, NOT_ARMS, Item, Rating, RatingError
from .tallies import preferences

Floats = NDArray[np.float64]

DRAWS = 2000
PRIOR = 0.5
LEVEL = 0.95
POWER = 0.8
ENOUGH_ITEMS = 5
MOST_ITEMS = 100_000


@dataclass(frozen=True)
class Difference:
    """How much stronger arm `a` is than arm `b`, in log-odds, with its interval; `share` says it as P(a beats b)."""

    a: str
    b: str
    difference: float
    low: float
    high: float
    share: float


@dataclass(frozen=True)
class Verdict:
    """Whether an arm may be called the best, and if none, how many more items would probably settle it.

    `winner` is an arm only where its interval over every other arm excludes zero. `more_items` is None when there is
    a winner or when no reasonable number would do; `sentence` says it in words for a page.
    """

    winner: str | None
    leader: str | None
    more_items: int | None
    more_ratings: int | None
    sentence: str


def wins_by_item(
    arms: Sequence[str], items: Sequence[Item], ratings: Iterable[Rating], *, with_bad: bool = True
) -> Floats:
    """[groups of items, k, k]: how often i was preferred to j, a tie counting half each way.

    "All bad" also counts half each way: it says that none was better. It does say something else too, which strengths
    cannot show, so that its share is reported beside them; `with_bad=False` leaves those ratings out to see whether
    the verdict depends on them. Groups without a preference are left out.
    """
    where = {arm: n for n, arm in enumerate(arms)}
    group = {item.id: item.group or item.id for item in items}
    counts: dict[str, Floats] = {}
    for rating in ratings:
        if rating.winner == BAD and not with_bad:
            continue
        table = counts.setdefault(group[rating.item], np.zeros((len(arms), len(arms))))
        for a, b, winner in preferences(rating):
            half = 0.5 if winner in NOT_ARMS else float(winner == a)
            table[where[a], where[b]] += half
            table[where[b], where[a]] += 1.0 - half
    return np.stack(list(counts.values())) if counts else np.zeros((0, len(arms), len(arms)))


def bradley_terry(wins: Floats, prior: float = PRIOR) -> Floats:
    """Strengths (natural log-odds, mean 0) of k arms from `wins[..., i, j]`, how often i was preferred to j.

    A tie is half a win each way. `prior` wins are added each way to every pair, so that an arm which never won still
    gets a finite strength; for two arms 0.5 is the Jeffreys prior. Leading dimensions are fitted side by side.
    Returns [..., k]; P(i beats j) = 1 / (1 + exp(s_j - s_i)). With `prior` 0 RatingError where the strengths are not
    finite. Source: Bradley and Terry 1952; Newton's method on the log-likelihood, which is concave.
    """
    k = wins.shape[-1]
    off_diagonal = 1.0 - np.eye(k)
    wins = (wins + prior) * off_diagonal
    played = wins + np.swapaxes(wins, -1, -2)
    won = wins.sum(-1)
    strengths = np.zeros(wins.shape[:-1])
    level = np.ones((k, k)) / k  # takes the free direction (all strengths up together) out of the Hessian
    for _ in range(200):
        chance = 1.0 / (1.0 + np.exp(strengths[..., None, :] - strengths[..., :, None]))
        slope = won - (played * chance).sum(-1)
        bend = played * chance * (1.0 - chance) * off_diagonal
        hessian = np.eye(k) * bend.sum(-1)[..., None] - bend
        try:
            step = np.linalg.solve(hessian + level, slope[..., None])[..., 0]
        except np.linalg.LinAlgError as error:
            raise RatingError("The arms were not all compared with each other; add a prior.") from error
        strengths = strengths + np.clip(step, -2.0, 2.0)
        strengths = strengths - strengths.mean(-1, keepdims=True)
        if np.abs(step).max(initial=0.0) < 1e-10:
            return strengths
        if np.abs(strengths).max() > 30.0:
            break
    raise RatingError("An arm always won or always lost, so its strength is not finite; add a prior.")


def resampled(wins: Floats, draws: int = DRAWS, seed: int = 0, prior: float = PRIOR) -> Floats:
    """[draws, k] strengths of bootstrap samples over items; `wins` is [items, k, k], one count matrix per item.

    Items, not votes, are drawn, since votes on one item go together. k imaginary items, each won by another arm,
    stand in the urn: without them, arms that won everything would get intervals of width zero from three items
    (the idea of Agresti and Coull 1998).
    """
    n, k, _ = wins.shape
    imaginary = np.zeros((k, k, k))
    for arm in range(k):
        imaginary[arm, arm, :] = 1.0
        imaginary[arm, arm, arm] = 0.0
    urn = np.concatenate([wins, imaginary]).reshape(n + k, k * k)
    chance = np.random.default_rng(seed)
    drawn = chance.multinomial(n + k, np.full(n + k, 1.0 / (n + k)), size=draws).astype(float)
    return bradley_terry((drawn @ urn).reshape(draws, k, k), prior)


def interval(values: Floats, items: int, level: float = LEVEL) -> tuple[Floats, Floats]:
    """(low, high) of bootstrap `values` [draws, ...] for a statistic of `items` independent items.

    The "expanded" percentile interval of Hesterberg 2015: plain percentiles are too narrow for few items, and are
    taken further out by what a t interval is wider than a normal one.
    """
    if items < 2:
        return np.full(values.shape[1:], -math.inf), np.full(values.shape[1:], math.inf)
    tail = ndtr(-math.sqrt(items / (items - 1)) * stdtrit(items - 1, 0.5 + level / 2))
    low, high = np.quantile(values, [tail, 1 - tail], axis=0)
    return low, high


def mean_by_item(values: Sequence[tuple[str, float]], draws: int = 2000, seed: int = 0) -> tuple[float, float, float]:
    """(mean, low, high) of (item, value) pairs, the interval by a bootstrap that draws whole items."""
    names = {name: n for n, name in enumerate(dict.fromkeys(name for name, _ in values))}
    sums, counts = np.zeros(len(names)), np.zeros(len(names))
    for name, value in values:
        sums[names[name]] += value
        counts[names[name]] += 1
    n = len(names)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws).astype(float)
    low, high = interval(drawn @ sums / (drawn @ counts), n)
    return float(sums.sum() / counts.sum()), float(low), float(high)


def differences(arms: tuple[str, ...], strengths: Floats, drawn: Floats, items: int) -> tuple[Difference, ...]:
    """Every pair of arms, the stronger first, with the interval of the difference."""
    found = []
    ranked = np.argsort(-strengths, kind="stable")
    for place, a in enumerate(ranked):
        for b in ranked[place + 1 :]:
            low, high = interval(drawn[:, a] - drawn[:, b], items)
            gap = float(strengths[a] - strengths[b])
            found.append(Difference(arms[a], arms[b], gap, float(low), float(high), 1 / (1 + math.exp(-gap))))
    return tuple(found)


def verdict(found: tuple[Difference, ...], items: int, ratings: int) -> Verdict:
    """The best arm, if the leader's interval over every other arm excludes zero.

    With all arms equal this names a winner in at most 5 of 100 studies, as long as the study is looked at once; who
    looks again after every vote and stops at the first winner is wrong more often.
    """
    if not found or items < ENOUGH_ITEMS:
        need = max(ENOUGH_ITEMS - items, 1)
        return Verdict(
            None, None, need, None, f"Too early: {items} items are rated, at least {ENOUGH_ITEMS} are needed."
        )
    leader = found[0].a
    rivals = [row for row in found if row.a == leader]
    if all(row.low > 0 for row in rivals):
        return Verdict(leader, leader, None, None, f"{leader} is preferred to every other arm.")
    needed = [more_items(row, items) for row in rivals if row.low <= 0]
    more = None if None in needed else max(n for n in needed if n is not None)
    if more is None:
        return Verdict(None, leader, None, None, "No winner: the first arms are too close for any number of ratings.")
    votes = math.ceil(more * ratings / items)
    return Verdict(
        None, leader, more, votes, f"No winner yet: at the rates seen so far, about {more} more items would settle it."
    )


def more_items(row: Difference, items: int) -> int | None:
    """Further items until the interval of this difference excludes zero with 80 % chance, if it is what it seems.

    From the width w of the interval (95 %) that `items` gave: n = items * ((1.96 + 0.84) * (w / 3.92) / difference)^2.
    None when that is over 100,000.
    """
    error = (row.high - row.low) / (2 * ndtri(0.5 + LEVEL / 2))
    wanted = (ndtri(0.5 + LEVEL / 2) + ndtri(POWER)) * error
    if row.difference * math.sqrt(MOST_ITEMS / items) <= wanted:
        return None
    return max(1, math.ceil(items * (wanted / row.difference) ** 2) - items)


def choice_model(
    features: Floats, chosen: NDArray[np.intp], weights: Floats | None = None, ridge: float = 0.0
) -> tuple[Floats, float]:
    """(coefficients [d], log-likelihood) of choosing alternative `chosen[n]` among `features[n, k, d]`.

    P(choose j) = exp(x_j b) / sum exp(x b): the conditional logit of McFadden 1974; with two alternatives and an arm's
    indicator as feature it is Bradley-Terry, with the position as a further feature its "home effect" (Agresti,
    Categorical Data Analysis, 10.6). `ridge` (a normal prior of variance 1/ridge) keeps separated data finite.
    """
    n, _, d = features.shape
    weights = np.ones(n) if weights is None else weights
    taken = features[np.arange(n), chosen]
    b = np.zeros(d)
    for _ in range(200):
        score = features @ b
        score = score - score.max(1, keepdims=True)
        chance = np.exp(score)
        chance = chance / chance.sum(1, keepdims=True)
        mean = np.einsum("nk,nkd->nd", chance, features)
        slope = weights @ (taken - mean) - ridge * b
        spread = np.einsum("n,nk,nkd,nke->de", weights, chance, features, features)
        spread -= np.einsum("n,nd,ne->de", weights, mean, mean)
        step = np.linalg.lstsq(spread + ridge * np.eye(d), slope, rcond=None)[0]
        b = b + np.clip(step, -2.0, 2.0)
        if np.abs(step).max(initial=0.0) < 1e-10:
            break
    likelihood = float(weights @ np.log(chance[np.arange(n), chosen]))
    return b, likelihood
