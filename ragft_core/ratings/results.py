"""A study's ratings become its results: ranking, verdict, agreement, and what to know before believing them."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .agreement import Agreement, agreement
from .bias import (
    Blinding,
    JudgeBias,
    PositionBias,
    RaterRow,
    blinding,
    judge_agreement,
    judge_bias,
    position_bias,
    rater_table,
)
from .nouns import BAD, JUDGE, Item, Rating, Study
from .strength import (
    Difference,
    Floats,
    Verdict,
    bradley_terry,
    differences,
    interval,
    mean_by_item,
    resampled,
    verdict,
    wins_by_item,
)
from .tallies import Record, Share, judged, matrix, preferences, records, wilson

ENOUGH_IN_CATEGORY = 10
ELO = 400 / math.log(10)
"""A strength times this is on the scale of chess ratings, up to where zero lies."""


@dataclass(frozen=True)
class Standing:
    """An arm's place: strength in log-odds (mean of all arms 0) with its interval, and how often it won and lost."""

    arm: str
    strength: float
    low: float | None
    high: float | None
    wins: int
    ties: int
    losses: int
    bad: int


@dataclass(frozen=True)
class Ranking:
    """The arms, strongest first, with the differences and the verdict these support."""

    standings: tuple[Standing, ...]
    differences: tuple[Difference, ...]
    verdict: Verdict
    items: int
    ratings: int


@dataclass(frozen=True)
class Score:
    """The mean of a criterion (1 to 5) for an arm, with its interval over items; n scores."""

    criterion: str
    arm: str
    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class JudgeRow:
    """An LLM judge beside people: how often they agree on two answers, and how it leans per arm."""

    judge: str
    agrees: Share
    bias: tuple[JudgeBias, ...]


@dataclass(frozen=True)
class Results:
    """All that a page shows of a study.

    `bad_matters` says that the verdict changes without the "all bad" ratings; `flagged` holds (item, rater, note) of
    what raters marked as wrong with an item.
    """

    study: str
    ranking: Ranking
    matrix: dict[str, dict[str, dict[str, int]]]
    scores: tuple[Score, ...]
    categories: dict[str, Ranking]
    agreement: Agreement
    criteria_agreement: dict[str, Agreement]
    positions: PositionBias
    blinding: Blinding
    bad: Share
    bad_matters: bool
    judges: tuple[JudgeRow, ...]
    raters: tuple[RaterRow, ...]
    flagged: tuple[tuple[str, str, str], ...]


def results(study: Study, items: Sequence[Item], ratings: Sequence[Rating], seed: int = 0) -> Results:
    """Everything from the current ratings; the same ratings and seed give the same figures."""
    said = judged(study, items, ratings)
    people = [r for r in ratings if JUDGE not in r.flags]
    ranking = rank(study.arms, items, said, seed)
    without = rank(study.arms, items, said, seed, with_bad=False)
    category = {item.id: item.category for item in items}
    names = sorted({category[r.item] for r in said} - {""})
    by_category = {name: rank(study.arms, items, [r for r in said if category[r.item] == name], seed) for name in names}
    return Results(
        study=study.id,
        ranking=ranking,
        matrix=matrix(study.arms, said),
        scores=scores(study, said),
        categories=by_category,
        agreement=agreement(shared([(r.item, r.rater, r.winner) for r in said])[0], seed=seed),
        criteria_agreement={c.key: criterion_agreement(c.key, said, seed) for c in study.criteria},
        positions=position_bias(study.arms, said),
        blinding=blinding(study, items, said),
        bad=wilson(sum(r.winner == BAD for r in said), len(said)),
        bad_matters=ranking.verdict.winner != without.verdict.winner,
        judges=judges(study, items, said, ratings),
        raters=tuple(rater_table(items, people)),
        flagged=tuple((r.item, r.rater, r.note) for r in people if "flagged" in r.flags),
    )


def judges(
    study: Study, items: Sequence[Item], people: Sequence[Rating], ratings: Sequence[Rating]
) -> tuple[JudgeRow, ...]:
    """A row per LLM judge; attention checks are left out as they are for people."""
    gold = {item.id for item in items if item.gold}
    ours = pairs_by_item(people)
    verdicts = [r for r in ratings if JUDGE in r.flags and r.counts and r.item not in gold]
    rows = []
    for name in dict.fromkeys(r.rater for r in verdicts):
        theirs = pairs_by_item([r for r in verdicts if r.rater == name])
        rows.append(JudgeRow(name, judge_agreement(ours, theirs), tuple(judge_bias(study.arms, ours, theirs))))
    return tuple(rows)


def pairs_by_item(ratings: Sequence[Rating]) -> dict[str, list[tuple[str, str, str]]]:
    found: dict[str, list[tuple[str, str, str]]] = {}
    for rating in ratings:
        found.setdefault(rating.item, []).extend(preferences(rating))
    return found


def rank(
    arms: Sequence[str], items: Sequence[Item], ratings: Sequence[Rating], seed: int = 0, *, with_bad: bool = True
) -> Ranking:
    """The ranking of `arms` by these ratings (already `judged`)."""
    if not with_bad:
        ratings = [r for r in ratings if r.winner != BAD]
    wins = wins_by_item(arms, items, ratings)
    strengths = bradley_terry(wins.sum(0))
    drawn = resampled(wins, seed=seed)
    found = differences(tuple(arms), strengths, drawn, len(wins))
    low, high = interval(drawn, len(wins))
    standings = [
        standing(record, float(strengths[n]), float(low[n]), float(high[n]))
        for n, record in enumerate(records(arms, ratings))
    ]
    standings.sort(key=lambda s: -s.strength)
    decision = verdict(found, len(wins), len(ratings))
    return Ranking(tuple(standings), found, decision, len(wins), len(ratings))


def standing(record: Record, strength: float, low: float, high: float) -> Standing:
    return Standing(
        record.arm, strength, finite(low), finite(high), record.wins, record.ties, record.losses, record.bad
    )


def scores(study: Study, ratings: Sequence[Rating]) -> tuple[Score, ...]:
    """A row per criterion and arm that was scored at least once."""
    rows = []
    for criterion in study.criteria:
        for arm in study.arms:
            given = [
                (r.item, float(r.scores[arm][criterion.key])) for r in ratings if criterion.key in r.scores.get(arm, {})
            ]
            if given:
                mean, low, high = mean_by_item(given)
                rows.append(Score(criterion.key, arm, mean, finite(low), finite(high), len(given)))
    return tuple(rows)


def shared(said: Sequence[tuple[Any, str, Any]]) -> tuple[list[list[Any]], list[Any]]:
    """(unit, rater, value) -> (the values of every unit, one per rater; the unit's name)."""
    units: dict[Any, dict[str, Any]] = {}
    for unit, rater, value in said:
        units.setdefault(unit, {})[rater] = value
    return [list(values.values()) for values in units.values()], list(units)


def criterion_agreement(criterion: str, ratings: Sequence[Rating], seed: int) -> Agreement:
    """Ordinal alpha of the scores; a unit is one answer, and the interval draws items."""
    said = [
        ((r.item, arm), r.rater, given[criterion])
        for r in ratings
        for arm, given in r.scores.items()
        if criterion in given
    ]
    units, names = shared(said)
    return agreement(units, "ordinal", clusters=[item for item, _ in names], seed=seed)


def to_contract(found: Results) -> dict[str, Any]:
    """The value of `ratings rank`: ranking, agreement and position bias as the contract names them, then the rest."""
    ranking, said = found.ranking, found.agreement
    positions = asdict(found.positions)
    return {
        "study": found.study,
        "ranking": [asdict(standing) for standing in ranking.standings],
        "agreement": {"alpha": said.alpha, "low": said.low, "high": said.high, "items": said.items}
        | {"raw": said.raw, "note": said.note},
        "position_bias": positions,
        "verdict": asdict(ranking.verdict),
        "differences": [json_row(asdict(row)) for row in ranking.differences],
        "items": ranking.items,
        "ratings": ranking.ratings,
        "bad": asdict(found.bad),
        "bad_matters": found.bad_matters,
        "judges": [
            asdict(row) | {"bias": [json_row(asdict(one)) | {"biased": one.biased} for one in row.bias]}
            for row in found.judges
        ],
    }


def json_row(row: dict[str, Any]) -> dict[str, Any]:
    """The row with None for infinities, which JSON cannot say."""
    return {key: finite(value) if isinstance(value, float) else value for key, value in row.items()}


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def elo(strengths: Floats, arms: Sequence[str], anchor: str, level: float = 1000.0) -> dict[str, float]:
    """Strengths on the chess scale (400 points: 10 to 1), the arm `anchor` at `level`."""
    zero = strengths[list(arms).index(anchor)]
    return {arm: level + ELO * float(strengths[n] - zero) for n, arm in enumerate(arms)}
