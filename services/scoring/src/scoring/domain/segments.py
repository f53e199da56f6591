"""Which segment a debtor belongs to: a table of days past due by amount, as versioned data. Pure.

The source text sorts debtors by amount and by time overdue (分段催收, 按逾期时间); how likely a person is to pay ranks
the work inside a segment and moves nobody to a harsher one. Ability to pay is unknown until somebody has asked for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from arrears.events.scoring import Segment
from scoring.domain.features import Behaviour, Features

Level = Literal["high", "low", "unknown"]
_SEVERITY: Final[tuple[Segment, ...]] = ("light", "moderate", "severe")


class InvalidSegmentTable(ValueError):
    """A table with a gap, or in which a longer or larger debt lands in a milder segment."""


@dataclass(frozen=True, slots=True)
class SegmentTable:
    """`rows[i][j]` is the segment of the i-th range of days and the j-th range of amounts (whole yuan).

    Limits are the inclusive upper ends of all ranges but the last, which is open.
    """

    version: int
    day_limits: tuple[int, ...]
    yuan_limits: tuple[int, ...]
    rows: tuple[tuple[Segment, ...], ...]

    def __post_init__(self) -> None:
        for limits in (self.day_limits, self.yuan_limits):
            if list(limits) != sorted(set(limits)) or not limits or limits[0] < 1:
                raise InvalidSegmentTable(f"limits {limits} must rise and be above zero")
        wide = len(self.yuan_limits) + 1
        if len(self.rows) != len(self.day_limits) + 1 or any(len(row) != wide for row in self.rows):
            raise InvalidSegmentTable(f"{len(self.day_limits) + 1} rows of {wide} segments are needed")
        harsh = [[_SEVERITY.index(segment) for segment in row] for row in self.rows]
        down = (each[j] > below[j] for each, below in pairwise(harsh) for j in range(wide))
        across = (row[j] > row[j + 1] for row in harsh for j in range(wide - 1))
        if any(down) or any(across):
            raise InvalidSegmentTable("a longer or larger debt must not land in a milder segment")


SEGMENTS: Final = SegmentTable(
    version=1,
    day_limits=(30, 60, 90),
    yuan_limits=(10_000, 50_000),
    rows=(
        ("light", "light", "moderate"),
        ("light", "moderate", "severe"),
        ("moderate", "moderate", "severe"),
        ("severe", "severe", "severe"),
    ),
)


def segment_of(features: Features, table: SegmentTable = SEGMENTS) -> tuple[Segment, tuple[str, ...]]:
    """Return the segment and the two ranges that decided it."""
    row, days = _range(table.day_limits, features.days_past_due)
    column, yuan = _range(table.yuan_limits, features.overdue_yuan)
    return table.rows[row][column], (f"days_past_due_{days}", f"overdue_yuan_{yuan}")


def willingness(behaviour: Behaviour) -> Level:
    """Return what kept and broken promises and payments say about the wish to pay."""
    if behaviour.promises_broken > behaviour.promises_kept + behaviour.repayments:
        return "low"
    if behaviour.promises_kept + behaviour.repayments > behaviour.promises_broken:
        return "high"
    return "unknown"


def _range(limits: tuple[int, ...], value: int) -> tuple[int, str]:
    lower = 0
    for place, limit in enumerate(limits):
        if value <= limit:
            return place, f"{lower}_{limit}"
        lower = limit + 1
    return len(limits), f"{lower}_up"
