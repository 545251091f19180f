"""The results of a study to HTML: plain words first, then plots and tables. Pure functions, no browser needed."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from ragft_core.ratings import Progress, Rater, Study
from ragft_core.ratings.nouns import LETTERS

from . import render_judges
from .render_rate import arm_class, arm_label, count

if TYPE_CHECKING:
    from ragft_core.ratings.agreement import Agreement
    from ragft_core.ratings.bias import Blinding, PositionBias, RaterRow
    from ragft_core.ratings.results import Ranking, Results, Score
    from ragft_core.ratings.strength import Difference, Verdict
    from ragft_core.ratings.tallies import Share

AGREES = ((0.8, "high"), (0.667, "enough for careful conclusions"), (0.4, "moderate"), (0.0, "low"))
SHOWN = 50  # notes about faulty items


def page(
    study: Study, questions: Mapping[str, str], found: "Results", joined: Sequence[tuple[Rater, Progress]] = ()
) -> str:
    """All results; `joined` says who takes part and how far each is, also who has not voted yet."""
    title = (
        f"<h2 class='sect'>{escape(study.title)}</h2><p class='sub'>{count(found.ranking.ratings, 'rating')} of "
        f"{count(found.ranking.items, 'item')} by {count(len(found.raters), 'rater')}; the study is "
        f"{'open' if study.is_open else 'closed'}.</p>"
    )
    if not found.ranking.ratings:
        empty = "<div class='empty'>Ratings will be counted here as they come in.</div>"
        there = card(f"<h3 class='sect'>Raters</h3>{raters(found.raters, joined)}") if joined or found.raters else ""
        return f"<div class='results'>{card(title + empty)}{there}</div>"
    parts = [
        card(title + verdict(found.ranking.verdict, found.bad, found.bad_matters) + plot(study, found.ranking)),
        card("<h3 class='sect'>Who was preferred to whom</h3>" + pairs(found.ranking.differences) + matrix(found)),
        card(criteria(study, found)) if found.scores else "",
        card(categories(found.categories)) if found.categories else "",
        card("<h3 class='sect'>Can this be believed?</h3>" + checks(found)),
        card(render_judges.judges(found.judges)) if found.judges else "",
        card("<h3 class='sect'>Raters</h3>" + raters(found.raters, joined)),
        card(flagged(found.flagged, questions)) if found.flagged else "",
    ]
    return f"<div class='results'>{''.join(parts)}</div>"


def card(html: str) -> str:
    return f"<div class='card'>{html}</div>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], label: str) -> str:
    """A table whose first column names the row and whose others are numbers."""
    top = "".join(f"<th scope='col'{' class=num' if n else ''}>{cell}</th>" for n, cell in enumerate(head))
    body = "".join(
        f"<tr><th scope='row'>{row[0]}</th>{''.join(f'<td class=num>{cell}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return (
        f"<div class='scroll' tabindex='0' role='region' aria-label='{label}'><table class='rows'>"
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def named(arm: str) -> str:
    glyph = f"<span class='mini {arm_class(arm)}' aria-hidden='true'>{arm_label(arm)[:1]}</span>"
    return f"<span class='armname'>{glyph} {arm_label(arm)}</span>"


def between(low: float | None, high: float | None, pattern: str = "{:.2f}") -> str:
    return "" if low is None or high is None else f" ({pattern.format(low)} to {pattern.format(high)})"


def percent(share: "Share") -> str:
    if share.share is None:
        return "&ndash;"
    return f"{share.share:.0%}{between(share.low, share.high, '{:.0%}')}"


# ---------------------------------------------------------------- ranking


def verdict(said: "Verdict", bad: "Share", bad_matters: bool) -> str:
    """The one sentence to take home, and what would settle it."""
    if said.winner:
        words = f"{arm_label(said.winner)} is preferred to every other arm; chance does not explain it."
    else:
        words = escape(said.sentence)
        if said.more_ratings:
            words += f" That is about {count(said.more_ratings, 'rating')} at the present pace per item."
    known = ""
    if bad.share:
        matters = " Without these the verdict would be another." if bad_matters else ""
        known = f"<p class='sub'>All answers were bad in {percent(bad)} of the ratings.{matters}</p>"
    kind = "good" if said.winner else "open"
    return f"<p class='verdict {kind}'>{words}</p>{known}"


def plot(study: Study, ranking: "Ranking") -> str:
    """Strength with its interval, an arm per row; the further right, the more preferred."""
    ends = [end for s in ranking.standings for end in (s.low, s.high, s.strength) if end is not None]
    reach = max(0.5, *(abs(end) for end in ends)) * 1.08
    place = lambda value: 50 + 50 * value / reach  # noqa: E731
    rows = []
    for standing in ranking.standings:
        low, high = standing.low, standing.high
        bar = ""
        if low is not None and high is not None:
            bar = f"<i class='whisker' style='left:{place(low):.1f}%;width:{place(high) - place(low):.1f}%'></i>"
        rows.append(
            f"<div class='plotrow'>{named(standing.arm)}"
            f"<span class='track {arm_class(standing.arm)}' aria-hidden='true'><i class='zero'></i>"
            f"{bar}<i class='point' style='left:{place(standing.strength):.1f}%'></i></span>"
            f"<span class='num'>{standing.strength:+.2f}{between(low, high, '{:+.2f}')}</span></div>"
        )
    counts = table(
        ["Arm", "Best", "Tie", "Not best", "All bad"],
        [[named(s.arm), str(s.wins), str(s.ties), str(s.losses), str(s.bad)] for s in ranking.standings],
        "How often each arm was best",
    )
    return (
        f"<div class='plot'>{''.join(rows)}</div><p class='sub'>Strength in log-odds (Bradley-Terry, mean 0) with "
        f"its 95 % interval over items; right of the line is better than the average arm.</p>"
        f"{render_judges.ranking_plot(ranking, study.title)}{counts}"
    )


def pairs(found: Sequence["Difference"]) -> str:
    """Every pair of arms as a sentence."""
    rows = []
    for row in found:
        sure = "chance does not explain it" if row.low > 0 or row.high < 0 else "this could be chance"
        if not (math.isfinite(row.low) and math.isfinite(row.high)):
            rows.append(f"<li>{arm_label(row.a)} and {arm_label(row.b)}: too few items to say.</li>")
            continue
        low, high = (100 / (1 + math.exp(-end)) for end in (row.low, row.high))
        rows.append(
            f"<li><b>{arm_label(row.a)}</b> is preferred to <b>{arm_label(row.b)}</b> about "
            f"<b>{100 * row.share:.0f} times in 100</b> ({low:.0f} to {high:.0f}); {sure}.</li>"
        )
    return f"<ul class='said'>{''.join(rows)}</ul>"


def matrix(found: "Results") -> str:
    arms = list(found.matrix)
    rows = []
    for a in arms:
        cells = []
        for b in arms:
            cell = found.matrix[a].get(b)
            shown = f"{cell['wins']} / {cell['ties'] + cell['bad']} / {cell['losses']}" if cell else "&ndash;"
            cells.append(shown)
        rows.append([named(a), *cells])
    note = "<p class='sub'>Row against column: won / neither (tie or all bad) / lost.</p>"
    return table(["", *(f"against {arm_label(b)}" for b in arms)], rows, "Wins, ties and losses") + note


def criteria(study: Study, found: "Results") -> str:
    labels = {criterion.key: criterion.label for criterion in study.criteria}
    by: dict[str, dict[str, Score]] = {}
    for score in found.scores:
        by.setdefault(score.criterion, {})[score.arm] = score
    rows = []
    for key, scores in by.items():
        cells = [
            f"{s.mean:.2f}{between(s.low, s.high)}<br><span class='sub'>{count(s.n, 'score')}</span>"
            if s
            else "&ndash;"
            for s in (scores.get(arm) for arm in study.arms)
        ]
        rows.append([escape(labels.get(key, key)), *cells, agreement(found.criteria_agreement[key], short=True)])
    head = ["Criterion", *(arm_label(arm) for arm in study.arms), "Agreement"]
    return "<h3 class='sect'>Scores, 1 to 5</h3>" + table(head, rows, "Scores per criterion")


def categories(found: "Mapping[str, Ranking]") -> str:
    rows = []
    for name, ranking in found.items():
        first = ranking.standings[0].arm if ranking.standings else ""
        said = (
            f"{arm_label(ranking.verdict.winner)} wins" if ranking.verdict.winner else f"{arm_label(first)} leads, open"
        )
        rows.append([escape(name), str(ranking.items), str(ranking.ratings), said])
    return "<h3 class='sect'>By category</h3>" + table(["Category", "Items", "Ratings", "Result"], rows, "By category")


# ---------------------------------------------------------------- checks


def checks(found: "Results") -> str:
    rows = [
        ("Agreement of raters", agreement(found.agreement)),
        ("Position", position(found.positions) + render_judges.position_plot(found.positions)),
        ("Blindness", blinding(found.blinding)),
    ]
    return "<dl class='checks'>" + "".join(f"<dt>{name}</dt><dd>{words}</dd>" for name, words in rows) + "</dl>"


def agreement(said: "Agreement", short: bool = False) -> str:
    """Krippendorff's alpha in words; below 20 shared items it is not worth reading."""
    alpha = "&ndash;" if said.alpha is None else f"{said.alpha:.2f}{between(said.low, said.high)}"
    if short:
        return f"{alpha}{f'<br><span class=sub>{escape(said.note)}</span>' if said.note else ''}"
    if said.note == "too few":
        return f"Too few: {count(said.items, 'item')} judged by two or more people; 20 are needed to say anything."
    if said.alpha is None:
        return f"Not defined: everybody said the same on all {count(said.items, 'shared item')}."
    level = next((words for least, words in AGREES if said.alpha >= least), "worse than chance")
    raw = f" Two raters made the same choice {said.raw:.0%} of the time." if said.raw is not None else ""
    return f"Krippendorff's alpha <b>{alpha}</b> over {count(said.items, 'shared item')}: {level}.{raw}"


def position(said: "PositionBias") -> str:
    shares = ", ".join(f"{LETTERS[n]} {percent(share)}" for n, share in enumerate(said.shares))
    return f"{escape(said.sentence)} Position won: {shares}; even would be {1 / max(1, len(said.shares)):.0%} each."


def blinding(said: "Blinding") -> str:
    told = f"&ldquo;I can tell which is which&rdquo; in {percent(said.told)} of the ratings."
    if said.index is None:
        return f"{told} Nobody was asked to guess."
    return (
        f"Blinding index <b>{said.index:.2f}{between(said.low, said.high)}</b> from {said.guessed} "
        f"guess{'' if said.guessed == 1 else 'es'}: 0 is as by chance, 1 always right. {told}"
    )


def raters(rows: "Sequence[RaterRow]", joined: Sequence[tuple[Rater, Progress]] = ()) -> str:
    of = {rater.id: progress.total for rater, progress in joined}
    waiting = [
        [escape(rater.id), f"0 of {of[rater.id]}"] for rater, _ in joined if rater.id not in {r.rater for r in rows}
    ]
    head = ["Rater", "Rated", "Skipped", "Median time", "Under 3 s", "Checks right", "Same again", "As others"]
    cells = [
        [
            escape(row.rater),
            f"{row.rated} of {of[row.rater]}" if row.rater in of else str(row.rated),
            str(row.skipped),
            "&ndash;" if row.median_seconds is None else f"{row.median_seconds:.0f} s",
            str(row.fast),
            *(percent(share) for share in (row.gold, row.consistency, row.with_others)),
        ]
        for row in rows
    ]
    return table(head, cells + [[*row, *["&ndash;"] * 6] for row in waiting], "Raters")


def flagged(rows: Sequence[tuple[str, str, str]], questions: Mapping[str, str]) -> str:
    said = "".join(
        f"<li><b>{escape(questions.get(item, item))}</b> {escape(note) or 'no note'} "
        f"<span class='sub'>{escape(rater)}</span></li>"
        for item, rater, note in rows[:SHOWN]
    )
    return f"<h3 class='sect'>Marked as faulty</h3><ul class='said'>{said}</ul>"
