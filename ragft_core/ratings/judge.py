"""An LLM judge's verdicts, made elsewhere, become ratings that are kept apart from people's and compared with them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .blind import seed_of
from .nouns import BAD, JUDGE, LETTERS, TIE, Item, Rater, Rating, RatingError, Study, clean

UNNAMED = "LLM judge"
SCORE = "_score"


def is_judge_file(names: Sequence[str]) -> bool:
    """Whether these are the columns of a judge's file: an item, and a winner or scores."""
    return bool({"item_id", "question"} & set(names)) and (
        "winner" in names or any(name.endswith(SCORE) for name in names)
    )


def judge_ratings(
    study: Study, items: Sequence[Item], read: Sequence[tuple[int, Mapping[str, Any]]]
) -> tuple[list[Rater], list[Rating], dict[str, str]]:
    """(judges, ratings, {"line n": why it was left out}) of rows {item_id or question, winner or <arm>_score, judge}.

    `winner` is an arm, "tie" or "bad"; without it the highest `<arm>_score` wins, the same highest score is a tie. A
    row whose verdict cannot be read is left out and counted, never taken for a bad one. A judge may have judged an
    item more than once (say, in both orders). RatingError when no row can be used.
    """
    by_name = {item.comparison.question: item for item in items} | {item.id: item for item in items}
    seen: dict[tuple[str, str], int] = {}
    ratings: list[Rating] = []
    left_out: dict[str, str] = {}
    for line, row in read:
        item = by_name.get(clean(row.get("item_id") or row.get("question")))
        winner = verdict_of(row, item.arms) if item else ""
        if item is None or not winner:
            left_out[f"line {line}"] = "no such item" if item is None else "no verdict that can be read"
            continue
        judge = clean(row.get("judge")).strip()[:100] or UNNAMED
        showing = seen[judge, item.id] = seen.get((judge, item.id), -1) + 1
        ratings.append(rating_of(study, judge, item, showing, winner, clean(row.get("created_at")) or study.created))
    if not ratings:
        reasons = ", ".join(sorted(set(left_out.values())))
        raise RatingError(f"None of the {len(read)} verdicts is of use for this study: {reasons}.")
    names = dict.fromkeys(rating.rater for rating in ratings)
    return [Rater(name, 0, JUDGE) for name in names], ratings, left_out


def verdict_of(row: Mapping[str, Any], arms: Sequence[str]) -> str:
    """An arm, "tie" or "bad"; empty where the row says nothing that can be read."""
    said = clean(row.get("winner")).strip()
    if said:
        return said if said in (*arms, TIE, BAD) else ""
    scores = []
    for arm in arms:
        try:
            scores.append((float(row.get(arm + SCORE) or "nan"), arm))
        except (TypeError, ValueError):
            return ""
    if not all(math.isfinite(score) for score, _ in scores):
        return ""
    best = [arm for score, arm in scores if score == max(scores)[0]]
    return best[0] if len(best) == 1 else TIE


def rating_of(study: Study, judge: str, item: Item, showing: int, winner: str, at: str) -> Rating:
    """A verdict as a rating. Nobody says in which order the judge read the answers, so that it is the item's."""
    letter = dict(zip(item.arms, LETTERS, strict=False))
    return Rating(
        id=f"{seed_of(JUDGE, study.id, judge, item.id, showing):016x}",
        study=study.id,
        rater=judge,
        item=item.id,
        order=item.arms,
        choice=letter.get(winner, winner),
        winner=winner,
        showing=showing,
        flags=(JUDGE,),
        created=at,
        updated=at,
    )
