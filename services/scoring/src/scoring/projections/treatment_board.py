"""treatment_board: one row a debtor, with the last score, segment, treatment and advice. Pure but for its SQL.

A column keeps its last value: `status` says whether it still holds (cured: nothing is overdue, the rest is history).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arrears.events.registry import Event
from arrears.events.scoring import (
    AssessmentEnded,
    DebtorScored,
    DelinquencyObserved,
    EscalationRecommended,
    SegmentAssigned,
    TreatmentSelected,
)
from arrears.projections import Projection, Row, Write
from arrears.recorded import Recorded

_FIELDS: Final = (
    "status", "band", "p_self_cure", "p_pay_30d", "p_contact", "expected_recovery_minor", "reason_codes", "scored_at",
    "segment", "willingness", "ability", "treatment_id", "strategy_id", "strategy_version", "arm", "valid_until",
    "escalation_target", "escalation_case_id", "expected_net_minor", "cost_minor", "currency",
)  # fmt: skip


def _changes(event: Event) -> dict[str, Any]:
    match event:
        case DelinquencyObserved():
            return {"status": "overdue", "currency": event.currency}
        case DebtorScored():
            return {
                "band": event.band, "p_self_cure": event.p_self_cure, "p_pay_30d": event.p_pay_30d,
                "p_contact": event.p_contact, "expected_recovery_minor": event.expected_recovery_minor,
                "reason_codes": " ".join(event.reason_codes), "scored_at": event.scored_at,
            }  # fmt: skip
        case SegmentAssigned():
            return {"segment": event.segment, "willingness": event.willingness, "ability": event.ability}
        case TreatmentSelected():
            return {
                "status": "overdue", "treatment_id": event.treatment_id, "strategy_id": event.strategy_id,
                "strategy_version": event.version, "arm": event.arm, "valid_until": event.valid_until,
            }  # fmt: skip
        case EscalationRecommended():
            return {
                "status": "escalated", "escalation_target": event.target, "escalation_case_id": event.case_id,
                "expected_net_minor": event.expected_net_minor, "cost_minor": event.cost_minor,
            }  # fmt: skip
        case AssessmentEnded(open_loans=0):
            return {"status": "cured"}
        case _:
            return {}


def rows(events: Sequence[Recorded]) -> list[Row]:
    """Return what changes, one row a debtor; None keeps what stands there."""
    changed: dict[str, dict[str, Any]] = {}
    for event in events:
        if changes := _changes(event.data):
            changed.setdefault(event.debtor_id, {}).update(changes, updated_at=event.recorded_at)
    return [
        (debtor_id, *(fields.get(name) for name in _FIELDS), fields["updated_at"])
        for debtor_id, fields in changed.items()
    ]


_TYPES: Final = {
    "scored_at": "timestamptz", "valid_until": "timestamptz", "expected_recovery_minor": "bigint", "cost_minor": "bigint",
    "expected_net_minor": "bigint", "strategy_version": "int",
}  # fmt: skip
_COLUMNS: Final = ("debtor_id", *_FIELDS, "updated_at")
_ARRAYS: Final = ", ".join(
    f"${place}::{'timestamptz' if name == 'updated_at' else _TYPES.get(name, 'text')}[]"
    for place, name in enumerate(_COLUMNS, start=1)
)
_KEEP: Final = ", ".join(f"{name} = coalesce(excluded.{name}, t.{name})" for name in _FIELDS)

TREATMENT_BOARD: Final = Projection(
    name="treatment_board",
    version=1,
    follows=frozenset({"scoring"}),
    columns=(
        "debtor_id text PRIMARY KEY, "
        + ", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in _FIELDS)
        + ", updated_at timestamptz NOT NULL"
    ),
    order_by="debtor_id",
    writes=(
        Write(
            rows,
            f"INSERT INTO {{table}} AS t ({', '.join(_COLUMNS)}) SELECT * FROM unnest({_ARRAYS}) "
            f"ON CONFLICT (debtor_id) DO UPDATE SET {_KEEP}, updated_at = excluded.updated_at",
        ),
    ),
    indexes=("CREATE INDEX ON {table} (segment, status)",),
)
