"""What several raters said about the same units becomes Krippendorff's alpha, with an interval, and raw agreement."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ENOUGH_UNITS = 20
DRAWS = 1000


@dataclass(frozen=True)
class Agreement:
    """Alpha (1: perfect, 0: as by chance) over the items that at least two people judged, and how often two agreed.

    `alpha` is None where it is not defined (nobody shared an item, or all said the same); `low` and `high` are None
    below 20 shared items too, and `note` then says "too few".
    """

    alpha: float | None
    low: float | None
    high: float | None
    items: int
    raw: float | None
    pairs: int
    note: str = ""


def agreement(
    units: Sequence[Sequence[Any]],
    metric: str = "nominal",
    *,
    clusters: Sequence[Any] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Agreement:
    """Agreement of `units`, each the values that it was given (as many as it has raters; missing ones left out).

    `metric`: "nominal", "ordinal" (values sort), or "interval" (values are numbers). `clusters` names the item each
    unit belongs to (default: its own); the interval draws whole items again (percentiles of `draws` samples).
    Source: Krippendorff, Content Analysis, chapter 11; alpha = 1 - observed / expected disagreement.
    """
    names = list(range(len(units))) if clusters is None else list(clusters)
    kept = [(name, list(values)) for name, values in zip(names, units, strict=True) if len(values) > 1]
    if not kept:
        return Agreement(None, None, None, 0, None, 0, "too few")
    scale = sorted({value for _, values in kept for value in values}, key=lambda v: (str(type(v)), v))
    tables = np.stack([coincidences(values, scale) for _, values in kept])
    places = {name: n for n, name in enumerate(dict.fromkeys(name for name, _ in kept))}
    by_item = np.zeros((len(places), *tables.shape[1:]))
    np.add.at(by_item, [places[name] for name, _ in kept], tables)

    pairs = sum(len(v) * (len(v) - 1) // 2 for _, v in kept)
    same = sum(sum(v[i] == v[j] for i in range(len(v)) for j in range(i)) for _, v in kept)
    numbers = np.array(scale, dtype=float) if metric == "interval" else np.arange(len(scale), dtype=float)
    found = float(alpha(by_item.sum(0), metric, numbers))
    value = None if math.isnan(found) else found
    if len(places) < ENOUGH_UNITS or value is None:
        note = "too few" if len(places) < ENOUGH_UNITS else "no variation"
        return Agreement(value, None, None, len(places), same / pairs, pairs, note)
    n = len(places)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws).astype(float)
    tried = alpha(np.tensordot(drawn, by_item, 1), metric, numbers)
    low, high = np.nanquantile(tried, [0.025, 0.975])
    return Agreement(value, float(low), float(high), n, same / pairs, pairs)


def coincidences(values: Sequence[Any], scale: Sequence[Any]) -> Floats:
    """[v, v] counts of ordered pairs of values within one unit of m values, each pair weighing 1 / (m - 1)."""
    counts = np.array([sum(value == step for value in values) for step in scale], dtype=float)
    return (np.outer(counts, counts) - np.diag(counts)) / (len(values) - 1)


def alpha(table: Floats, metric: str, numbers: Floats) -> Floats:
    """Alpha of coincidence tables [..., v, v]; nan where every value is the same. `numbers` [v] are interval values."""
    totals = table.sum(-1)
    apart = distances(totals, metric, numbers)
    observed = (table * apart).sum((-1, -2))
    expected = (totals[..., :, None] * totals[..., None, :] * apart).sum((-1, -2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1 - (totals.sum(-1) - 1) * observed / expected, np.nan)


def distances(totals: Floats, metric: str, numbers: Floats) -> Floats:
    """Squared distance between values: 0/1 (nominal), (a - b)^2 (interval), or by the ranks between (ordinal)."""
    if metric == "nominal":
        return 1.0 - np.eye(totals.shape[-1])
    if metric == "interval":
        return (numbers[:, None] - numbers[None, :]) ** 2
    if metric != "ordinal":
        raise ValueError(f"unknown metric {metric!r}")
    middle = np.cumsum(totals, -1) - totals / 2
    return (middle[..., :, None] - middle[..., None, :]) ** 2
