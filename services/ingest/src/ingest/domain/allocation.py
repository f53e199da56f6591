"""Which debt a payment discharges first: policies by stage. Pure data, chosen by id so that history never moves.

Default: Civil Code 561: costs and fees, then penalty, then interest, then principal; the oldest instalment first
(CC 560: what fell due earlier goes first).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from arrears.events.ingest import Component

Stage = Literal["performing", "overdue_1_90", "overdue_91_plus"]
Mode = Literal["horizontal", "vertical"]


@dataclass(frozen=True, slots=True)
class Walk:
    """An order of discharge. horizontal: instalment by instalment; vertical: component by component."""

    mode: Mode
    order: tuple[Component, ...]


Policy = Callable[[Stage], Walk]

_CC561: Final = Walk("horizontal", ("fee", "penalty", "interest", "principal"))
_PRINCIPAL_FIRST: Final = Walk("vertical", ("principal", "interest", "penalty", "fee"))


def cc561(_stage: Stage) -> Walk:
    """Fees, penalty, interest, principal of the oldest instalment, then of the next, whatever the stage."""
    return _CC561


def principal_first_when_late(stage: Stage) -> Walk:
    """Principal first once more than 90 days are past due, where the contract says so."""
    return _PRINCIPAL_FIRST if stage == "overdue_91_plus" else _CC561


DEFAULT_POLICY: Final = "cc561/1"
POLICIES: Final[Mapping[str, Policy]] = {
    DEFAULT_POLICY: cc561,
    "principal-first-after-90/1": principal_first_when_late,
}


def stage_of(days_past_due: int) -> Stage:
    """Return the stage that decides the order of discharge."""
    if days_past_due == 0:
        return "performing"
    return "overdue_1_90" if days_past_due <= 90 else "overdue_91_plus"
