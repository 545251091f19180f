"""The statistics against published figures, against each other, and where data are few or extreme."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from scipy.stats import binomtest

from ragft_core.ratings import RatingError
from ragft_core.ratings.agreement import agreement
from ragft_core.ratings.results import elo
from ragft_core.ratings.strength import (
    bradley_terry,
    choice_model,
    differences,
    interval,
    mean_by_item,
    more_items,
    resampled,
    verdict,
)
from ragft_core.ratings.tallies import wilson

TEAMS = ["Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore"]
HOME = """. 4-3 4-2 4-3 6-1 4-2 6-0
3-3 . 4-2 4-3 6-0 6-1 4-3
2-5 4-3 . 2-4 4-3 4-2 6-0
3-3 5-1 2-5 . 4-3 4-2 6-1
5-1 2-5 3-3 4-2 . 5-2 6-0
2-5 3-3 3-4 4-3 4-2 . 2-4
2-5 1-5 1-6 2-4 1-6 3-4 ."""
"""Agresti, Categorical Data Analysis, table 10.10: a row plays at home, wins-losses."""
GAPS = [[1] * 3, [2, 2, 3, 2], [3] * 4, [3] * 4, [2] * 4, [1, 2, 3, 4], [4] * 4, [1, 1, 2, 1], [2] * 4, [5] * 3]
GAPS += [[1, 1], [3]]


def games() -> list[tuple[int, int, int, int]]:
    """(home, away, home wins, away wins)."""
    rows = [line.split() for line in HOME.splitlines()]
    return [(h, a, *map(int, rows[h][a].split("-"))) for h in range(7) for a in range(7) if h != a]


def test_baseball_strengths_and_home_effect_are_those_of_the_book() -> None:
    features, chosen, weights = [], [], []
    for home, away, won, lost in games():
        for side, wins in enumerate((won, lost)):
            features.append([[*np.eye(7)[home][:6], 1.0], [*np.eye(7)[away][:6], 0.0]])
            chosen.append(side)
            weights.append(float(wins))
    table, taken, counts = np.array(features), np.array(chosen), np.array(weights)
    found, likelihood = choice_model(table, taken, counts)
    plain, lower = choice_model(table[:, :, :6], taken, counts)
    assert found[-1] == pytest.approx(0.3023, abs=5e-5) and found[0] == pytest.approx(1.6196, abs=5e-5)
    assert plain[:3] == pytest.approx([1.5814, 1.4364, 1.2945], abs=5e-5)
    assert 2 * (likelihood - lower) == pytest.approx(5.4, abs=0.1)  # the book's likelihood-ratio test

    wins = np.zeros((7, 7))
    for home, away, won, lost in games():
        wins[home, away] += won
        wins[away, home] += lost
    strengths = bradley_terry(wins, prior=0.0)
    assert strengths - strengths[6] == pytest.approx([*plain, 0.0], abs=1e-8)


def test_two_arms_give_the_log_odds_and_elo_its_400_points() -> None:
    wins = np.array([[0.0, 10.0], [1.0, 0.0]])
    strengths = bradley_terry(wins, prior=0.0)
    assert strengths[0] - strengths[1] == pytest.approx(math.log(10))
    assert elo(strengths, ["a", "b"], "b") == pytest.approx({"a": 1400.0, "b": 1000.0})


def test_an_arm_without_a_win_stays_finite_and_is_last() -> None:
    wins = np.array([[0.0, 5, 9], [4, 0, 9], [0, 0, 0]])
    strengths = bradley_terry(wins)
    assert np.isfinite(strengths).all() and list(np.argsort(-strengths)) == [0, 1, 2]
    with pytest.raises(RatingError, match="finite"):
        bradley_terry(wins, prior=0.0)


def test_nothing_rated_ranks_all_arms_alike() -> None:
    assert bradley_terry(np.zeros((3, 3))) == pytest.approx([0.0, 0.0, 0.0])


@effort(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=9, max_size=9))
def test_the_fit_is_a_maximum_and_does_not_depend_on_the_order_of_arms(counts: list[int]) -> None:
    wins = np.array(counts, dtype=float).reshape(3, 3)
    strengths = bradley_terry(wins)
    shuffled = bradley_terry(wins[np.ix_([2, 0, 1], [2, 0, 1])])
    assert shuffled == pytest.approx(strengths[[2, 0, 1]], abs=1e-7) and abs(strengths.sum()) < 1e-9
    with_prior = (wins + 0.5) * (1 - np.eye(3))
    expected = (with_prior + with_prior.T) / (1 + np.exp(strengths[None, :] - strengths[:, None]))
    assert expected.sum(1) == pytest.approx(with_prior.sum(1), abs=1e-6)


def won(n: int, k: int = 2) -> np.ndarray:
    """n items on which the first arm was best."""
    wins = np.zeros((n, k, k))
    wins[:, 0, 1:] = 1.0
    return wins


def judged(wins: np.ndarray) -> tuple[str | None, float]:
    strengths, drawn = bradley_terry(wins.sum(0)), resampled(wins)
    found = differences(("a", "b", "c")[: wins.shape[1]], strengths, drawn, len(wins))
    return verdict(found, len(wins), len(wins)).winner, found[0].low


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 8, 10, 20])
def test_winning_everything_is_no_proof_from_a_few_items(n: int) -> None:
    winner, low = judged(won(n))
    certain = binomtest(n, n).pvalue < 0.05
    assert winner is None or certain, "never bolder than the sign test"
    assert winner == "a" or n < 8
    assert low < differences(("a", "b"), bradley_terry(won(n).sum(0)), resampled(won(n)), n)[0].high or n < 2


def test_the_interval_is_reproducible_and_wider_for_few() -> None:
    wins = np.concatenate([won(20), won(12)[:, ::-1, ::-1]])
    assert np.array_equal(resampled(wins, seed=3), resampled(wins, seed=3))
    narrow = interval(resampled(wins)[:, 0], 10_000)
    wide = interval(resampled(wins)[:, 0], 6)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert interval(np.zeros((5, 2)), 1)[0][0] == -math.inf


def test_votes_on_one_item_do_not_count_as_independent() -> None:
    """Ten raters on each of 6 items say less than 60 items."""
    few = np.repeat(np.concatenate([won(4), won(2)[:, ::-1, ::-1]]), 1, axis=0) * 10
    many = np.concatenate([won(40), won(20)[:, ::-1, ::-1]])
    assert judged(many)[0] == "a" and judged(few)[0] is None


def test_how_many_more_is_about_right() -> None:
    """At 60 % wins, 80 % power needs n of about (2.8 * 0.98 / 0.2)^2 = 190 items."""
    wins = np.concatenate([won(36), won(24)[:, ::-1, ::-1]])
    strengths, drawn = bradley_terry(wins.sum(0)), resampled(wins)
    found = differences(("a", "b"), strengths, drawn, 60)
    said = verdict(found, 60, 120)
    assert said.winner is None and said.leader == "a"
    assert said.more_items is not None and 90 <= said.more_items <= 200 and said.more_ratings == 2 * said.more_items
    level = np.concatenate([won(50), won(50)[:, ::-1, ::-1]])
    row = differences(("a", "b"), bradley_terry(level.sum(0)), resampled(level), 100)[0]
    assert more_items(row, 100) is None


# ---------------------------------------------------------------- agreement


@pytest.mark.parametrize(
    ("units", "metric", "published"),
    [
        (GAPS, "nominal", 904 / 1216),
        (GAPS, "ordinal", 0.815388),
        (GAPS, "interval", 0.849107),
        ([[1, 2], [2, 3], [3, 4]], "nominal", -0.153846),
        ([[1, 2], [2, 3], [3, 4]], "interval", 0.545455),
    ],
)
def test_alpha_is_krippendorffs(units: list[list[int]], metric: str, published: float) -> None:
    found = agreement(units, metric)
    assert found.alpha == pytest.approx(published, abs=5e-7) and found.note == "too few" and found.low is None


def test_agreement_of_nobody_of_all_and_of_chance() -> None:
    assert agreement([["a"], [], ["b"]]).alpha is None
    same = agreement([["a", "a"]] * 30)
    assert same.alpha is None and same.raw == 1.0 and same.note == "no variation"
    perfect = agreement([["a", "a"], ["b", "b"]] * 15)
    assert perfect.alpha == pytest.approx(1.0) and perfect.low == pytest.approx(1.0) and perfect.items == 30
    chance = np.random.default_rng(0)
    random = agreement([[int(v) for v in chance.integers(0, 3, 3)] for _ in range(200)])
    assert random.alpha is not None and random.low is not None and random.high is not None
    assert abs(random.alpha) < 0.1 and random.low < 0 < random.high


def test_scores_of_one_item_are_drawn_together() -> None:
    chance = np.random.default_rng(1)
    items = [n // 3 for n in range(90)]
    units = [[int(v), int(v) if n % 5 else 6 - int(v)] for n, v in enumerate(chance.integers(1, 6, 90))]
    found = agreement(units, "ordinal", clusters=items)
    assert found.items == 30 and found.pairs == 90 and found.low is not None and found.alpha is not None
    assert found.low < found.alpha < (found.high or 0)


def test_wilson_and_means_by_item() -> None:
    assert wilson(0, 0).share is None
    share = wilson(8, 10)
    assert (share.low, share.high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    mean, low, high = mean_by_item([(f"i{n % 25}", float(n % 5)) for n in range(100)])
    assert mean == pytest.approx(2.0) and low < 2.0 < high
