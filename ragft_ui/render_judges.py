"""LLM judges beside people, and positions, as plots and words. Pure functions, tested without a browser."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragft_core.ratings.nouns import LETTERS

from .plots import Bar, intervals_svg, savable
from .render_rate import LABELS, arm_class, arm_label, count, escape

if TYPE_CHECKING:
    from ragft_core.ratings.bias import JudgeBias, PositionBias
    from ragft_core.ratings.results import JudgeRow, Ranking


def judges(rows: "Sequence[JudgeRow]") -> str:
    """Every judge: how often it says what people say, and which arms it likes more or less than they do."""
    return "<h3 class='sect'>LLM judges beside people</h3>" + "".join(judge(row, n) for n, row in enumerate(rows, 1))


def judge(row: "JudgeRow", number: int) -> str:
    agrees = row.agrees
    if agrees.share is None:
        said = "It has judged nothing yet that people judged too."
        return f"<h4>{escape(row.judge)}</h4><p class='sub'>{said}</p>"
    words = (
        f"Prefers the same one of two answers as a person, or neither, in <b>{agrees.share:.0%}</b> "
        f"({agrees.low:.0%} to {agrees.high:.0%}) of {count(agrees.n, 'pair')} of verdicts."
    )
    lines = "".join(f"<li>{leaning(one)}</li>" for one in row.bias)
    bars = [
        Bar(LABELS.get(b.arm, b.arm), arm_class(b.arm), 100 * b.difference, *points(b), f"{100 * b.difference:+.0f}")
        for b in row.bias
    ]
    title = f"{row.judge}: preference beyond people's"
    svg = intervals_svg(title, "Points of 100, judge minus people, with 95 % interval", bars) if bars else ""
    return (
        f"<h4>{escape(row.judge)}</h4><p class='sub'>{words}</p><ul class='said'>{lines}</ul>"
        f"{savable(f'judge-{number}', svg) if svg else ''}"
    )


def points(bias: "JudgeBias") -> tuple[float | None, float | None]:
    if not (math.isfinite(bias.low) and math.isfinite(bias.high)):
        return None, None
    return 100 * bias.low, 100 * bias.high


def leaning(bias: "JudgeBias") -> str:
    """One arm in a sentence; nothing is called a leaning before its interval excludes zero."""
    arm, low_high = f"<b>{arm_label(bias.arm)}</b>", points(bias)
    shares = f"judge {bias.judge:.0%}, people {bias.people:.0%} on {count(bias.items, 'item')}"
    if bias.biased is None:
        return f"{arm}: {shares}; too few items to speak of a leaning (20 are needed)."
    low, high = (f"{end or 0.0:+.0f}" for end in low_high)
    if not bias.biased:
        return f"{arm}: {shares}; the difference could be chance ({low} to {high} points)."
    way = "more" if bias.difference > 0 else "less"
    by = f"{100 * bias.difference:+.0f} points ({low} to {high})"
    return f"{arm}: the judge likes it <b>{way}</b> than people do, {by}; {shares}."


def ranking_plot(ranking: "Ranking", title: str) -> str:
    bars = [
        Bar(
            LABELS.get(s.arm, s.arm),
            arm_class(s.arm),
            s.strength,
            s.low,
            s.high,
            f"{s.strength:+.2f}" + ("" if s.low is None else f" ({s.low:+.2f} to {s.high:+.2f})"),
        )
        for s in ranking.standings
    ]
    axis = f"Strength in log-odds (Bradley-Terry, mean 0), 95 % interval over {count(ranking.items, 'item')}"
    return savable("ranking", intervals_svg(title, axis, bars), shown=False)  # the page draws it for phones too


def position_plot(said: "PositionBias") -> str:
    """How often each position won, against even."""
    shares = [(LETTERS[n], share) for n, share in enumerate(said.shares) if share.share is not None]
    if not shares:
        return ""
    bars = [
        Bar(
            f"Position {letter}",
            "base",
            100 * (share.share or 0.0),
            100 * (share.low or 0.0),
            100 * (share.high or 0.0),
            f"{100 * (share.share or 0.0):.0f} %",
        )
        for letter, share in shares
    ]
    axis = f"Share of {count(said.choices, 'choice')} won by position, %; dashed: even"
    return savable("positions", intervals_svg("Position", axis, bars, middle=100 / len(said.shares)))
