"""The comparisons a study could be made of as a table to leave some out, sort them and mark attention checks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from ragft_core.ratings import RatingError
from ragft_core.ratings.nouns import BAD, TIE
from ragft_core.types import Comparison

from .render_rate import LABELS, count

SHOWN = 100
LONGEST_CATEGORY = 60
LONGEST_QUESTION = 160
HELP = (
    "Untick what should not be judged. A <b>category</b> gets its own line in the results. A <b>gold</b> item is an "
    "attention check: say which answer is known to be right; every rater gets it, and it never counts in the ranking."
)
# The last input of the event is replaced by what the table says, a row per comparison.
COLLECT = """(...given) => [...given.slice(0, -1),
  [...document.querySelectorAll('#study_items tr[data-id]')].map((row) => ({
  id: row.dataset.id, use: row.querySelector('input[type=checkbox]').checked,
  category: row.querySelector('input[type=text]').value, gold: row.querySelector('select').value }))]"""


@dataclass(frozen=True)
class Marks:
    """What the table says: ids left out, {id: category}, {id: the choice that is known to be right}."""

    left_out: frozenset[str]
    categories: Mapping[str, str]
    gold: Mapping[str, str]


def table(comparisons: Sequence[Comparison], arms: Sequence[str]) -> str:
    """The newest comparisons as rows of fields; empty where there are none."""
    if not comparisons:
        return ""
    shown = comparisons[:SHOWN]
    choices = [("", "not gold"), *((arm, f"{LABELS.get(arm, arm)} is best") for arm in arms)]
    choices += [(TIE, "Tie"), (BAD, "All bad")]
    options = "".join(f"<option value='{escape(value)}'>{escape(words)}</option>" for value, words in choices)
    rows = "".join(row(comparison, options) for comparison in shown)
    older = f" The newest {SHOWN} are listed; older ones are taken as they are." if len(comparisons) > SHOWN else ""
    return (
        f"<details class='more' id='study_items'><summary>Choose items, categories and gold items "
        f"({count(len(shown), 'comparison')})</summary><p class='sub'>{HELP}{older}</p>"
        "<div class='scroll' tabindex='0' role='region' aria-label='Items'><table class='rows'><thead><tr>"
        "<th><span class='srwrap'>Use</span></th><th>Question</th><th>Category</th><th>Gold</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def row(comparison: Comparison, options: str) -> str:
    question = comparison.question[:LONGEST_QUESTION]
    known = str(comparison.setup.get("category") or "")[:LONGEST_CATEGORY]
    about = escape(question)
    return (
        f"<tr data-id='{escape(comparison.id)}'><td><input type='checkbox' checked aria-label='Use: {about}'></td>"
        f"<td>{about}</td><td><input type='text' maxlength='{LONGEST_CATEGORY}' value='{escape(known)}' "
        f"aria-label='Category: {about}'></td><td><select aria-label='Gold: {about}'>{options}</select></td></tr>"
    )


def marks_of(said: Any) -> Marks:
    """What a page sent as Marks; RatingError for anything that is no such list."""
    rows = said if isinstance(said, list) else []
    if not all(isinstance(one, Mapping) and isinstance(one.get("id"), str) for one in rows):
        raise RatingError("The page sent a list of items that cannot be read; reload it.")
    named = {
        name: {one["id"]: str(one.get(name) or "").strip() for one in rows if str(one.get(name) or "").strip()}
        for name in ("category", "gold")
    }
    if any(len(category) > LONGEST_CATEGORY for category in named["category"].values()):
        raise RatingError(f"A category is longer than {LONGEST_CATEGORY} characters; shorten it.")
    left_out = frozenset(one["id"] for one in rows if one.get("use") is False)
    return Marks(left_out, named["category"], named["gold"])
