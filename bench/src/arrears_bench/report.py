"""What a benchmark answers, and how its medians come about. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Figures in natural units, ratios against the comparison of the same run, and what limits the result."""

    name: str
    figures: dict[str, float]
    ratios: dict[str, float]
    limited_by: str


def middle(values: Sequence[float]) -> float:
    """Return the median, rounded to three significant places after the point."""
    return round(median(values), 3)


def paired(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the runs' own ratios: each pair ran side by side, so the machine's mood cancels out."""
    return middle([a / b for a, b in zip(ours, theirs, strict=True)])


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
