"""Whole studies with scripted raters: planted truths are found, planted faults called out, no winner too soon."""

import dataclasses
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ragft_core.errors import NotFoundError
from ragft_core.ratings import Ratings, Vote
from ragft_core.ratings.bias import judge_bias, position_bias
from ragft_core.ratings.blind import queue
from ragft_core.ratings.nouns import Rating
from ragft_core.ratings.results import Results, results
from ragft_core.ratings.sources import items_from_comparisons, study_of
from ragft_core.ratings.strength import wins_by_item
from ragft_core.ratings.tallies import matrix, preferences, records
from ragft_core.ratings.votes import checked_vote, rating_of

from .test_ratings import asked, made, opened

ARMS = ("rag", "tuned", "hybrid")
Chooser = Callable[[random.Random, tuple[str, ...]], Vote]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Ratings]:
    store = opened(tmp_path / "ragft.sqlite")
    yield Ratings(store)
    store.close()


def rated(n: int, raters: int, choose: Chooser, seed: int = 1, arms: tuple[str, ...] = ARMS, **options: Any) -> Results:
    """Results of `n` items that everybody rates; `choose` sees the order of arms, which no rater does."""
    items, _ = items_from_comparisons([asked(i, arms) for i in range(n)], (), options.pop("categories", None))
    study = study_of("t", items, "2026-01-01T00:00:00+00:00", **options)
    study, chance, ratings = dataclasses.replace(study, id=f"s{seed}"), random.Random(seed), []
    for slot in range(raters):
        for place, turn in enumerate(queue(study, items, f"rater {slot}", slot)):
            vote = checked_vote(study, len(turn.order), choose(chance, turn.order))
            ratings.append(rating_of(study, f"rater {slot}", place, turn, vote, study.created))
    return results(study, items, ratings)


def luce(strengths: dict[str, float], ties: float = 0.0) -> Chooser:
    """A rater who prefers arms by their strengths and ties at times."""

    def choose(chance: random.Random, order: tuple[str, ...]) -> Vote:
        if chance.random() < ties:
            return Vote("tie", seconds=8.0)
        weights = [2.718281828 ** strengths[arm] for arm in order]
        return Vote(chance.choices("ABCD"[: len(order)], weights)[0], seconds=chance.uniform(4, 20))

    return choose


def test_a_better_arm_is_found_and_not_before_it_is_supported() -> None:
    truth = {"rag": 0.0, "tuned": 0.0, "hybrid": 1.2}
    early = rated(8, 1, luce(truth, 0.2), seed=4).ranking
    assert early.verdict.winner is None and early.verdict.more_items is not None and early.verdict.more_items > 0

    found = rated(70, 2, luce(truth), seed=2)
    assert found.ranking.verdict.winner == found.ranking.standings[0].arm == "hybrid"
    for row in found.ranking.differences:
        assert row.low < truth[row.a] - truth[row.b] < row.high
    assert found.positions.biased is False and not found.bad_matters
    assert found.agreement.items == 70 and found.agreement.low is not None and found.agreement.raw is not None


def test_a_planted_position_bias_is_called_out() -> None:
    def lazy(chance: random.Random, order: tuple[str, ...]) -> Vote:
        return Vote("A" if chance.random() < 0.35 else chance.choice("ABC"))

    assert rated(100, 2, luce(dict.fromkeys(ARMS, 0.0))).positions.biased is False
    said = rated(100, 2, lazy).positions
    assert said.biased and said.p is not None and said.p < 0.01 and said.shares[0].low > 1 / 3  # type: ignore[operator]
    assert said.effects[0] == max(said.effects) and "Position A" in said.sentence


def test_an_arm_that_often_stands_first_is_no_position_bias() -> None:
    """Imported votes: the stronger model is mostly model_a, and wins for that alone."""
    chance = random.Random(3)
    ratings = []
    for n in range(400):
        order = ("strong", "weak") if chance.random() < 0.8 else ("weak", "strong")
        winner = "strong" if chance.random() < 0.75 else "weak"
        ratings.append(Rating(str(n), "s", "r", str(n), order, "AB"[order.index(winner)], winner))
    said = position_bias(("strong", "weak"), ratings)
    assert said.shares[0].share is not None and said.shares[0].share > 0.6 and said.biased is False


def test_raters_who_can_tell_are_noticed() -> None:
    def sees(chance: random.Random, order: tuple[str, ...]) -> Vote:
        right = chance.random() < 0.9
        reads = [n for n, arm in enumerate(order) if (arm in ("rag", "hybrid")) == right]
        return Vote(chance.choice("ABC"), guess="ABC"[chance.choice(reads)], flags=("told",))

    def guesses(chance: random.Random, order: tuple[str, ...]) -> Vote:
        return Vote(chance.choice("ABC"), guess=chance.choice("ABC"))

    seeing, guessing = (rated(50, 1, chooser, ask_guess=True).blinding for chooser in (sees, guesses))
    assert seeing.low is not None and seeing.low > 0.3 and seeing.told.share == 1.0
    assert guessing.low is not None and guessing.high is not None and guessing.low < 0 < guessing.high


def test_the_rater_table_shows_who_did_not_look(desk: Ratings) -> None:
    study = made(desk, 20, repeats=0.2, gold={"c000": "rag", "c001": "tie"})
    desk.join(study.id, "careful")
    desk.join(study.id, "hasty")
    for place, turn in enumerate(desk._queue(study.id, "careful")):
        right = {"c000": "ABC"[turn.order.index("rag")], "c001": "tie"}.get(turn.item)
        choice = right or "ABC"[turn.order.index("hybrid")]
        desk.vote(study.id, "careful", place, Vote(choice, seconds=15.0), f"key-{place:05}")
    for place in range(24):
        desk.vote(study.id, "hasty", place, Vote("A", seconds=0.5), f"key-{place:05}")
    careful, hasty = desk.results(study.id).raters
    assert (careful.gold.share, careful.consistency.share, careful.fast) == (1.0, 1.0, 0)
    assert (hasty.gold.n, hasty.consistency.n, hasty.fast, hasty.median_seconds) == (2, 4, 24, 0.5)
    assert hasty.gold.share < 1 and hasty.with_others.share < 0.7  # type: ignore[operator]
    assert desk.results(study.id).ranking.ratings == 2 * 18, "checks and repeats do not count"


def test_all_bad_is_shown_and_its_weight_on_the_verdict_too() -> None:
    def mostly_bad(chance: random.Random, order: tuple[str, ...]) -> Vote:
        return Vote("bad" if chance.random() < 0.6 else "AB"[order.index("tuned")])

    found = rated(60, 1, mostly_bad, arms=ARMS[:2])
    assert found.bad.share is not None and 0.4 < found.bad.share < 0.8
    top = found.ranking.standings[0]
    assert top.arm == "tuned" and top.bad + top.wins == 60 and top.losses == 0
    assert found.matrix["tuned"]["rag"]["bad"] == top.bad


def test_criteria_and_categories_have_their_own_figures() -> None:
    categories = {f"c{n:03}": "dates" if n % 2 else "sums" for n in range(30)}

    def scores(chance: random.Random, order: tuple[str, ...]) -> Vote:
        given = {"ABC"[n]: {"correct": 4 + (arm == "hybrid"), "style": 3} for n, arm in enumerate(order)}
        return Vote("ABC"[order.index("hybrid")], given)

    found = rated(30, 2, scores, categories=categories)
    means = {(row.criterion, row.arm): row.mean for row in found.scores}
    assert means["correct", "hybrid"] == 5.0 and means["correct", "rag"] == 4.0 and means["style", "tuned"] == 3.0
    assert found.criteria_agreement["correct"].alpha == pytest.approx(1.0)
    assert found.criteria_agreement["correct"].items == 30 and found.criteria_agreement["style"].note == "no variation"
    assert set(found.categories) == {"dates", "sums"} and found.categories["dates"].items == 15
    assert found.categories["dates"].verdict.winner == "hybrid"


# ---------------------------------------------------------------- counting


def rating(order: str, winner: str, item: str = "i") -> Rating:
    return Rating(item + order + winner, "s", "r", item, tuple(order), "?", winner)


def test_a_best_of_three_says_nothing_of_the_other_two() -> None:
    assert preferences(rating("bac", "a")) == [("b", "a", "a"), ("a", "c", "a")]
    assert preferences(rating("bac", "tie")) == [("b", "a", "tie"), ("b", "c", "tie"), ("a", "c", "tie")]
    assert preferences(rating("bac", "")) == []
    assert matrix("abc", [rating("bac", "a")])["b"] == {
        "a": {"wins": 0, "ties": 0, "losses": 1, "bad": 0},
        "c": {"wins": 0, "ties": 0, "losses": 0, "bad": 0},
    }


def test_counts_add_up_to_the_ratings() -> None:
    ratings = [rating("abc", w) for w in ("a", "a", "tie", "bad", "c")]
    assert [(r.wins, r.ties, r.losses, r.bad) for r in records("abc", ratings)] == [
        (2, 1, 1, 1),
        (0, 1, 3, 1),
        (1, 1, 2, 1),
    ]


def test_items_of_a_group_are_drawn_together(desk: Ratings) -> None:
    study = made(desk, 4)
    items = [dataclasses.replace(item, group="one") for item in desk.items(study.id)]
    ratings = [Rating(i.id, study.id, "r", i.id, ARMS, "A", "rag") for i in items]
    assert wins_by_item(ARMS, items, ratings).shape == (1, 3, 3)


def test_a_judge_that_likes_one_arm_is_shown_to() -> None:
    people = {str(n): [("a", "b", "a" if n % 2 else "b")] for n in range(40)}
    judge = {str(n): [("a", "b", "a" if n % 4 else "tie")] for n in range(60)}
    first, second = judge_bias(("a", "b"), people, judge)
    assert first.items == 40 and first.difference == pytest.approx(0.375) and first.low > 0
    assert second.difference == pytest.approx(-0.375) and second.high < 0


# ---------------------------------------------------------------- the command line's values


def test_rank_gives_what_the_contract_says_as_json(desk: Ratings) -> None:
    with pytest.raises(NotFoundError, match="no rating yet"):
        desk.rank()
    study = made(desk, 1)
    desk.join(study.id, "ann")
    desk.vote(study.id, "ann", 0, Vote("A"), "key-00000")
    said = json.loads(json.dumps(desk.rank(), allow_nan=False))
    assert said["study"] == study.id and said["verdict"]["winner"] is None
    assert {"arm", "strength", "low", "high", "wins", "ties", "losses"} <= said["ranking"][0].keys()
    assert {"alpha", "low", "high", "items"} <= said["agreement"].keys()
    assert {"shares", "p", "biased"} <= said["position_bias"].keys()


def test_results_of_an_unrated_study_are_empty_and_not_an_error(desk: Ratings) -> None:
    found = desk.results(made(desk, 3).id)
    assert found.ranking.ratings == 0 and found.ranking.verdict.winner is None and found.raters == ()
    assert "Too early" in found.ranking.verdict.sentence


def test_the_desk_needs_no_numpy_until_results_are_asked_for() -> None:
    code = "import sys, ragft_core.ratings; sys.exit(bool({'numpy', 'scipy', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1]).returncode == 0
