"""Values with intervals to an SVG that can be saved: the picture of what the page shows, for a paper or a slide.

Colours are the page's variables; the script that saves a picture writes in what they are in the theme in sight.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LABELS, NUMBERS = 760, 180, 190
TOP, ROW, BOTTOM = 46, 36, 54
LONGEST = 24  # characters of a label; the rest is in its title
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Bar:
    """A row of the picture: a value, its interval if it has one, the colour of `arm` (a style class), and in words."""

    label: str
    arm: str
    value: float
    low: float | None
    high: float | None
    words: str


def intervals_svg(title: str, axis: str, bars: Sequence[Bar], *, middle: float = 0.0) -> str:
    """Points with whiskers, one row each, over an axis with a dashed line at `middle`; standalone but for colours."""
    ends = [end for b in bars for end in (b.value, b.low, b.high) if end is not None and math.isfinite(end)]
    marks = ticks(min([middle, *ends]), max([middle, *ends]))
    left, right = LABELS + 10, WIDTH - NUMBERS
    span = (marks[-1] - marks[0]) or 1.0

    def x(value: float) -> float:
        return left + (right - left) * (value - marks[0]) / span

    height, floor = TOP + ROW * len(bars) + BOTTOM, TOP + ROW * len(bars)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' viewBox='0 0 {WIDTH} {height}' "
        f"font-family='Inter, system-ui, sans-serif' font-size='13' role='img'><title>{escape(title)}</title>",
        f"<rect width='{WIDTH}' height='{height}' fill='var(--surface)'/>",
        f"<text x='16' y='26' font-size='15' font-weight='600' fill='var(--ink)'>{escape(title)}</text>",
    ]
    for mark in marks:
        parts.append(
            f"<path d='M{x(mark):.1f} {TOP}V{floor}' stroke='var(--line)'/><text x='{x(mark):.1f}' y='{floor + 18}' "
            f"text-anchor='middle' font-size='12' fill='var(--ink-2)'>{mark:g}</text>"
        )
    parts.append(f"<path d='M{x(middle):.1f} {TOP}V{floor}' stroke='var(--ink-3)' stroke-dasharray='3 3'/>")
    parts += [bar_svg(bar, TOP + ROW * n + ROW / 2, x) for n, bar in enumerate(bars)]
    parts.append(f"<text x='{left}' y='{floor + 40}' font-size='12' fill='var(--ink-2)'>{escape(axis)}</text></svg>")
    return "".join(parts)


def bar_svg(bar: Bar, y: float, place: Callable[[float], float]) -> str:
    """One row; `place` turns a value into one on the axis."""
    short = bar.label if len(bar.label) <= LONGEST else bar.label[: LONGEST - 1] + "…"
    whisker = ""
    if bar.low is not None and bar.high is not None and math.isfinite(bar.low) and math.isfinite(bar.high):
        whisker = (
            f"<path d='M{place(bar.low):.1f} {y:.1f}H{place(bar.high):.1f}' stroke='var(--c-{bar.arm})' "
            "stroke-width='3' stroke-linecap='round' stroke-opacity='.55'/>"
        )
    return (
        f"<text x='16' y='{y + 4.5:.1f}' fill='var(--ink)'><title>{escape(bar.label)}</title>{escape(short)}</text>"
        f"{whisker}<circle cx='{place(bar.value):.1f}' cy='{y:.1f}' r='5.5' fill='var(--c-{bar.arm})'/>"
        f"<text x='{WIDTH - 16}' y='{y + 4.5:.1f}' text-anchor='end' fill='var(--ink-2)'>{escape(bar.words)}</text>"
    )


def ticks(low: float, high: float) -> list[float]:
    """Four to nine round numbers from at most `low` to at least `high`."""
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(power * factor for factor in STEPS if span / (power * factor) <= 6)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 10) for n in range(first, max(last, first + 1) + 1)]


def savable(name: str, svg: str, shown: bool = True) -> str:
    """The picture, or only the buttons that save it; `name` becomes part of the file's name."""
    buttons = "".join(
        f"<button type='button' class='plain' data-save='{kind}' aria-label='Save {escape(name)} as {kind.upper()}'>"
        f"{kind.upper()}</button>"
        for kind in ("svg", "png")
    )
    seen = f"class='picture' tabindex='0' role='region' aria-label='Plot: {escape(name)}'" if shown else "hidden"
    return (
        f"<div class='saves' data-name='{escape(name)}'><div {seen}>{svg}</div>"
        f"<span class='sub'>Save this plot</span>{buttons}</div>"
    )
