"""Ratings become checks on the judging itself: position, blindness, attention, consistency, an LLM judge's leaning."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from scipy.special import chdtrc

from .nouns import LETTERS, NOT_ARMS, Item, Rating, Study
from .strength import choice_model, mean_by_item
from .tallies import Share, wilson

ENOUGH_CHOICES = 20
FAST_SECONDS = 3.0


@dataclass(frozen=True)
class PositionBias:
    """Whether where an answer stood made it win. `shares[n]` is how often position n won; 1/k each is even.

    `effects[n]` are log-odds (mean 0) beyond what the arms' strengths explain, `p` is of the likelihood-ratio test that
    all are 0. `biased` is p < 0.05, or None with fewer than 20 choices of a best answer.
    """

    shares: tuple[Share, ...]
    effects: tuple[float, ...]
    p: float | None
    biased: bool | None
    choices: int
    sentence: str


@dataclass(frozen=True)
class Blinding:
    """Whether raters could tell. `index` is 0 if they guessed as by chance, 1 if always right, below 0 if misled.

    `told` is the share of ratings flagged "I can tell which is which".
    """

    index: float | None
    low: float | None
    high: float | None
    asked: int
    guessed: int
    told: Share


@dataclass(frozen=True)
class RaterRow:
    """One rater's work: hits on attention checks, same choice on repeated items, same as others on shared ones."""

    rater: str
    rated: int
    skipped: int
    median_seconds: float | None
    fast: int
    gold: Share
    consistency: Share
    with_others: Share


@dataclass(frozen=True)
class JudgeBias:
    """How much more often an LLM judge prefers an arm than people do, on the items both judged (a win 1, a tie 1/2).

    `biased` says that the interval of the difference excludes 0; it is None below 20 items.
    """

    arm: str
    judge: float
    people: float
    difference: float
    low: float
    high: float
    items: int

    @property
    def biased(self) -> bool | None:
        return None if self.items < ENOUGH_CHOICES else self.low > 0 or self.high < 0


def position_bias(arms: Sequence[str], ratings: Sequence[Rating]) -> PositionBias:
    """Test the choices of a best answer against position; only ratings with the usual number of answers are read.

    The model is a conditional logit with the arms and the positions as features, so that it holds also where orders
    were not balanced (imported votes). A slight prior keeps an arm that never won finite; the test compares the model
    with and without positions: chi-square with k - 1 degrees of freedom.
    """
    best = [r for r in ratings if r.winner not in NOT_ARMS]
    sizes = [len(r.order) for r in best]
    k = max(set(sizes), key=sizes.count) if sizes else 2
    best = [r for r in best if len(r.order) == k]
    chosen = np.array([r.order.index(r.winner) for r in best], dtype=int)
    shares = tuple(wilson(int((chosen == n).sum()), len(best)) for n in range(k))
    if len(best) < ENOUGH_CHOICES:
        return PositionBias(shares, (), None, None, len(best), f"Too few choices ({len(best)}) to test for position.")
    where = {arm: n for n, arm in enumerate(arms)}
    features = np.zeros((len(best), k, len(arms) + k - 1))
    for n, rating in enumerate(best):
        for place, arm in enumerate(rating.order):
            features[n, place, where[arm]] = 1.0
            if place:
                features[n, place, len(arms) + place - 1] = 1.0
    _, plain = choice_model(features[:, :, : len(arms)], chosen, ridge=0.01)
    found, full = choice_model(features, chosen, ridge=0.01)
    effects = np.concatenate([[0.0], found[len(arms) :]])
    effects -= effects.mean()
    p = float(chdtrc(k - 1, max(0.0, 2 * (full - plain))))
    top = int(np.argmax(effects))
    sentence = (
        f"Position {LETTERS[top]} won more often than its answers explain (p = {p:.2g}): read the ranking with care."
        if p < 0.05
        else f"No sign that position decided (p = {p:.2g})."
    )
    return PositionBias(shares, tuple(float(e) for e in effects), p, p < 0.05, len(best), sentence)


def blinding(study: Study, items: Sequence[Item], ratings: Sequence[Rating]) -> Blinding:
    """How well "which one had documents?" was guessed, chance taken off: (hit - c) / (1 - c), c = chance of a hit.

    A rating without a guess scores 0. For two answers this is the index of Bang et al. 2004, generalised to k answers
    of which any number had documents; the interval draws items. It counts only where some arms read and some did not.
    """
    told = wilson(sum("told" in r.flags for r in ratings), len(ratings))
    readers = {i.id: {a.arm for a in i.comparison.answers if a.passages} for i in items}
    scores = []
    guessed = 0
    for rating in ratings:
        chance = len(readers[rating.item] & set(rating.order)) / len(rating.order)
        if 0 < chance < 1 and (study.ask_guess or rating.guess):
            guessed += bool(rating.guess)
            hit = float(rating.guess in readers[rating.item])
            scores.append((rating.item, (hit - chance) / (1 - chance) if rating.guess else 0.0))
    if not scores:
        return Blinding(None, None, None, 0, 0, told)
    mean, low, high = mean_by_item(scores)
    if not math.isfinite(low):
        return Blinding(mean, None, None, len(scores), guessed, told)
    return Blinding(mean, low, high, len(scores), guessed, told)


def rater_table(items: Sequence[Item], ratings: Sequence[Rating]) -> list[RaterRow]:
    """A row per rater, from all their current ratings including skips, attention checks and repeats."""
    gold = {item.id: item.gold for item in items if item.gold}
    first = {(r.rater, r.item): r.winner for r in ratings if r.counts and "repeat" not in r.flags}
    others: dict[str, list[tuple[str, str]]] = {}
    for (rater, item), winner in first.items():
        if item not in gold:
            others.setdefault(item, []).append((rater, winner))
    rows = []
    for rater in dict.fromkeys(r.rater for r in ratings):
        mine = [r for r in ratings if r.rater == rater]
        done = [r for r in mine if r.counts]
        seconds = [r.seconds for r in done if r.seconds is not None]
        checks = [r.winner == gold[r.item] for r in done if r.item in gold and "repeat" not in r.flags]
        again = [r.winner == first[rater, r.item] for r in done if "repeat" in r.flags and (rater, r.item) in first]
        same = [
            winner == other
            for (who, item), winner in first.items()
            if who == rater and item not in gold
            for peer, other in others[item]
            if peer != rater
        ]
        rows.append(
            RaterRow(
                rater,
                len(done),
                len(mine) - len(done),
                median(seconds) if seconds else None,
                sum(s < FAST_SECONDS for s in seconds),
                wilson(sum(checks), len(checks)),
                wilson(sum(again), len(again)),
                wilson(sum(same), len(same)),
            )
        )
    return rows


def judge_bias(
    arms: Sequence[str],
    people: Mapping[str, Sequence[tuple[str, str, str]]],
    judge: Mapping[str, Sequence[tuple[str, str, str]]],
) -> list[JudgeBias]:
    """Per arm, the judge's preference minus people's, over items both judged; intervals by drawing items.

    Both map an item to its (arm, arm, winner | "tie" | "bad") pairs, as `tallies.preferences` gives them. Positive: the
    judge likes the arm better than people do (as with a judge that favours long answers, or its own).
    """

    def score(pairs: Sequence[tuple[str, str, str]], arm: str) -> float | None:
        said = [0.5 if w in NOT_ARMS else float(w == arm) for a, b, w in pairs if arm in (a, b)]
        return sum(said) / len(said) if said else None

    rows = []
    for arm in arms:
        both = []
        for item in people.keys() & judge.keys():
            ours, theirs = score(people[item], arm), score(judge[item], arm)
            if ours is not None and theirs is not None:
                both.append((item, ours, theirs))
        if not both:
            continue
        both.sort()
        mean, low, high = mean_by_item([(item, theirs - ours) for item, ours, theirs in both])
        n = len(both)
        judged, liked = sum(t for *_, t in both) / n, sum(o for _, o, _ in both) / n
        rows.append(JudgeBias(arm, judged, liked, mean, low, high, n))
    return rows


def judge_agreement(
    people: Mapping[str, Sequence[tuple[str, str, str]]], judge: Mapping[str, Sequence[tuple[str, str, str]]]
) -> Share:
    """How often a person and the judge prefer the same one of two answers to an item (neither counts as a choice).

    As in the published comparison of MT-Bench ("with ties"): every pair of verdicts on the same two answers counts.
    """
    same = []
    for item in people.keys() & judge.keys():
        said: dict[frozenset[str], list[str]] = {}
        for a, b, winner in judge[item]:
            said.setdefault(frozenset((a, b)), []).append("" if winner in NOT_ARMS else winner)
        for a, b, winner in people[item]:
            ours = "" if winner in NOT_ARMS else winner
            same += [theirs == ours for theirs in said.get(frozenset((a, b)), ())]
    return wilson(sum(same), len(same))
