"""Curves to a drawing that fits any width: lines in SVG, words in HTML, so that neither is stretched with the other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ragft_core.training.curves import Points, thinned

LINES = 4  # horizontal ones, about
WIDE, HIGH = 1000, 100  # the drawing's own units, stretched to the place it has


@dataclass(frozen=True)
class Line:
    """One curve: `kind` is its CSS class, `dots` marks each point."""

    name: str
    kind: str
    points: Points
    dots: bool = False


def chart(title: str, lines: Sequence[Line], steps: int, *, mark: int | None = None, small: bool = False) -> str:
    """A figure of value over step (0 to `steps`); `mark` is the step of the best evaluation."""
    shown = [line for line in map(_finite, lines) if line.points]
    keys = "".join(f"<span class='key {line.kind}'>{escape(line.name)}</span>" for line in lines if len(lines) > 1)
    opening = f"<figure class='chart{' small' if small else ''}'><figcaption><b>{escape(title)}</b>{keys}</figcaption>"
    if not shown:
        return f"{opening}<div class='plotbox'><div class='empty'>Appears with the first steps.</div></div></figure>"
    low, high, ticks = scale([value for line in shown for _, value in line.points])
    steps = max(steps, *(line.points[-1][0] for line in shown), 1)

    def x(step: float) -> float:
        return round(WIDE * step / steps, 1)

    def y(value: float) -> float:
        return round(HIGH * (high - value) / (high - low), 2)

    grid = "".join(f"<path class='gridline' d='M0 {y(t)}H{WIDE}'/>" for t in ticks)
    best = f"<path class='bestline' d='M{x(mark)} 0V{HIGH}'/>" if mark else ""
    drawn = "".join(_drawn(line, [(x(step), y(value)) for step, value in line.points]) for line in shown)
    labels = "".join(f"<span style='top:{y(t):g}%'>{number(t)}</span>" for t in ticks)
    said = "; ".join(f"{line.name} {number(line.points[-1][1])} at step {line.points[-1][0]}" for line in shown)
    bestkey = f"<span class='key best'>best, step {mark}</span>" if mark else ""
    return (
        f"{opening.replace('</figcaption>', bestkey + '</figcaption>')}<div class='plotbox'>"
        f"<div class='ys' aria-hidden='true'>{labels}</div>"
        f"<svg viewBox='0 0 {WIDE} {HIGH}' preserveAspectRatio='none' role='img' aria-label='{escape(title)}: "
        f"{escape(said)}'>{grid}{best}{drawn}</svg></div>"
        f"<div class='xs' aria-hidden='true'><span>0</span><span>step {steps:,}</span></div></figure>"
    )


def _finite(line: Line) -> Line:
    """The line as it can be drawn."""
    points = thinned([point for point in line.points if math.isfinite(point[1])])
    return Line(line.name, line.kind, points, line.dots)


def _drawn(line: Line, places: Sequence[tuple[float, float]]) -> str:
    path = "M" + "L".join(f"{a} {b}" for a, b in places)
    curve = f"<path class='curve {line.kind}' d='{path}'/>"
    if not line.dots and len(places) > 1:
        return curve
    # A line of no length with round ends is a dot that stays round however the drawing is stretched.
    return curve + f"<path class='dots {line.kind}' d='{''.join(f'M{a} {b}h0' for a, b in places)}'/>"


def scale(values: Sequence[float]) -> tuple[float, float, list[float]]:
    """(low, high, ticks) around finite values: round numbers, with room above and below."""
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    spread = high - low or abs(high) or 1.0
    step = 10 ** math.floor(math.log10(spread / LINES))
    step = next(step * factor for factor in (1, 2, 2.5, 5, 10) if spread / (step * factor) <= LINES)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    if low == high:
        high = low + step
    count = round((high - low) / step)
    return low, high, [low + n * step for n in range(count + 1)]


def number(value: float) -> str:
    """A figure short enough for an axis."""
    if value and (abs(value) < 0.001 or abs(value) >= 100_000):
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:,.4g}"
