"""Published figures from public votes, and the coverage of our intervals over many simulated studies."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.ratings_published import figures
from ragft_core.ratings.strength import bradley_terry, differences, interval, resampled, verdict

pytestmark = pytest.mark.slow
DATA = Path(__file__).parents[3] / "shared" / "data"


def test_published_figures_are_reproduced() -> None:
    """MT-Bench votes by way of import, database and ranking; the public data may lie beside the repository."""
    if not (DATA / "mtbench_human.jsonl.gz").is_file():
        pytest.skip("the public data is not here; benchmarks/README or data/README.md says what it is")
    found = list(figures(DATA))
    assert len(found) == 17 and [figure.name for figure in found if not figure.agrees] == []


def study(chance: np.random.Generator, n: int, truth: np.ndarray, ties: float) -> np.ndarray:
    """[n, k, k] preferences of one rater who follows the strengths `truth`."""
    k = len(truth)
    wins = np.zeros((n, k, k))
    best = chance.choice(k, n, p=np.exp(truth) / np.exp(truth).sum())
    wins[np.arange(n), best] = 1.0
    wins[chance.random(n) < ties] = 0.5
    wins[:, np.arange(k), np.arange(k)] = 0.0
    return wins


@pytest.mark.parametrize("n", [15, 40, 120])
@pytest.mark.parametrize("truth", [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (0.0, 0.0, 0.0), (1.0, 0.5, 0.0)], ids=str)
def test_intervals_cover_and_winners_are_rarely_wrong(n: int, truth: tuple[float, ...]) -> None:
    """In 300 studies, 95 % intervals cover at least 91 % (three standard errors below); at most 9 % err on a winner."""
    chance = np.random.default_rng(n)
    strengths = np.array(truth)
    covered = wrong = 0
    for seed in range(300):
        wins = study(chance, n, strengths, 0.0)
        drawn = resampled(wins, 500, seed)
        low, high = interval(drawn[:, 0] - drawn[:, -1], n)
        covered += bool(low <= strengths[0] - strengths[-1] <= high)
        found = differences(("a", "b", "c")[: len(truth)], bradley_terry(wins.sum(0)), drawn, n)
        winner = verdict(found, n, n).winner
        wrong += winner is not None and (winner != "a" or truth[0] == truth[1])
    assert covered >= 0.91 * 300 and wrong <= 0.09 * 300
