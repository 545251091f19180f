"""Plots that can be saved: well-formed, every value in its place, and nothing that others wrote becomes markup."""

import math
import re
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from ragft_core.ratings.bias import JudgeBias
from ragft_core.ratings.results import JudgeRow
from ragft_core.ratings.tallies import wilson
from ragft_ui.plots import Bar, intervals_svg, savable, ticks
from ragft_ui.render_judges import judges, position_plot

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*bars: Bar, middle: float = 0.0) -> ElementTree.Element:
    return ElementTree.fromstring(intervals_svg("A & <b>", "axis", bars, middle=middle))


def test_a_point_and_its_whisker_stand_where_their_values_are() -> None:
    root = drawn(Bar("one", "rag", 1.0, 0.5, 1.5, "1"), Bar("two", "tuned", -1.0, None, None, "-1"))
    one, two = [float(circle.get("cx", "")) for circle in root.iter(f"{SVG}circle")]
    (whisker,) = [path for path in root.iter(f"{SVG}path") if path.get("stroke-width") == "3"]
    start, end = (float(part.split()[0]) for part in whisker.get("d", "")[1:].split("H"))
    assert two < start < one < end and one - start == pytest.approx(end - one, abs=0.2)
    assert "A & <b>" in root.findtext(f"{SVG}title", "") and not list(root.iter("b"))


def test_hostile_and_long_names_are_text() -> None:
    text = intervals_svg("t", "a", [Bar("<script>&\"'" + "x" * 100, "base", 0.0, -math.inf, math.inf, "<i>")])
    root = ElementTree.fromstring(text)
    assert "<script" not in text and "…" in text and not list(root.iter(f"{SVG}script"))


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (-1.3, 2.2), (0.0, 100.0), (-0.001, 0.002), (33.3, 62.0)])
def test_ticks_are_round_few_and_reach_both_ends(low: float, high: float) -> None:
    marks = ticks(low, high)
    assert 2 <= len(marks) <= 9 and marks[0] <= low and marks[-1] >= high and marks == sorted(set(marks))


def test_a_plot_can_be_saved_in_two_ways() -> None:
    html = savable("it's", "<svg></svg>")
    assert html.count("data-save=") == 2 and "data-name='it&#x27;s'" in html and "<div hidden>" not in html
    assert "<div hidden><svg>" in savable("x", "<svg></svg>", shown=False)


def test_judges_in_words_and_no_leaning_before_its_interval() -> None:
    bias = (
        JudgeBias("rag", 0.5, 0.5, 0.01, -0.1, 0.1, 40),
        JudgeBias("tuned", 0.7, 0.5, 0.2, 0.1, 0.3, 40),
        JudgeBias("hybrid", 0.3, 0.5, -0.2, -0.3, -0.1, 19),
    )
    html = judges([JudgeRow("<b>gpt", wilson(30, 40), bias), JudgeRow("new", wilson(0, 0), ())])
    assert "could be chance" in html and "likes it <b>more</b> than people do, +20 points (+10 to +30)" in html
    assert "too few items" in html and "&lt;b&gt;gpt" in html and "<b>gpt" not in html and "judged nothing yet" in html
    assert html.count("data-save='png'") == 1


def test_positions_are_drawn_against_even() -> None:
    said = SimpleNamespace(shares=(wilson(30, 40), wilson(10, 40)), choices=40)
    root = ElementTree.fromstring(re.sub(r"^.*?(<svg.*</svg>).*$", r"\1", position_plot(said)))
    dashed = next(path for path in root.iter(f"{SVG}path") if path.get("stroke-dasharray"))
    even = float(dashed.get("d", "")[1:].split()[0])
    first, second = [float(circle.get("cx", "")) for circle in root.iter(f"{SVG}circle")]
    assert second < even < first
    assert position_plot(SimpleNamespace(shares=(wilson(0, 0),), choices=0)) == ""
