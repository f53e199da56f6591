"""legal_board: one row a legal case, with its claim and what came of it. Pure but for its SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arrears.events.legal import ClaimReduced, ClaimRestored, EscalatedToLegal, LegalCaseClosed
from arrears.events.registry import Event
from arrears.projections import Projection, Row, Write
from arrears.recorded import Recorded

_FIELDS: Final = {
    "case_id": "text", "loan_ids": "text", "status": "text", "route": "text", "currency": "text",
    "principal_minor": "bigint", "interest_minor": "bigint", "penalty_minor": "bigint", "costs_claimed_minor": "bigint",
    "as_of": "date", "expected_net_minor": "bigint", "approved_by": "text", "recovered_minor": "bigint",
    "outcome": "text", "cost_minor": "bigint", "closed_on": "date",
}  # fmt: skip


def _changes(event: Event) -> dict[str, Any]:
    match event:
        case EscalatedToLegal(claim=claim):
            return {
                "case_id": event.case_id, "loan_ids": " ".join(event.loan_ids), "status": "escalated",
                "route": event.route, "currency": event.currency, "principal_minor": claim.principal_minor,
                "interest_minor": claim.interest_minor, "penalty_minor": claim.penalty_minor,
                "costs_claimed_minor": claim.cost_minor, "as_of": event.as_of,
                "expected_net_minor": event.expected_net_minor, "approved_by": " ".join(event.approved_by),
                "recovered_minor": 0,
            }  # fmt: skip
        case ClaimReduced() | ClaimRestored():
            return {"recovered_minor": event.recovered_minor}
        case LegalCaseClosed():
            return {
                "status": "closed", "outcome": event.outcome, "recovered_minor": event.recovered_minor,
                "cost_minor": event.cost_minor, "closed_on": event.on,
            }  # fmt: skip
        case _:
            return {}


def rows(events: Sequence[Recorded]) -> list[Row]:
    """Return what changes, one row a case; None keeps what stands there."""
    changed: dict[str, dict[str, Any]] = {}
    for event in events:
        if isinstance(event.data, EscalatedToLegal | ClaimReduced | ClaimRestored | LegalCaseClosed):
            row = changed.setdefault(event.data.legal_case_id, {"debtor_id": event.debtor_id})
            row.update(_changes(event.data), updated_at=event.recorded_at)
    return [
        (legal_case_id, row["debtor_id"], *(row.get(name) for name in _FIELDS), row["updated_at"])
        for legal_case_id, row in changed.items()
    ]


_NAMES: Final = ("legal_case_id", "debtor_id", *_FIELDS, "updated_at")
_ARRAYS: Final = ", ".join(
    f"${place}::{_FIELDS.get(name, 'timestamptz' if name == 'updated_at' else 'text')}[]"
    for place, name in enumerate(_NAMES, start=1)
)
_KEEP: Final = ", ".join(f"{name} = coalesce(excluded.{name}, t.{name})" for name in _FIELDS)

LEGAL_BOARD: Final = Projection(
    name="legal_board",
    version=1,
    follows=frozenset({"legal"}),
    columns=(
        "legal_case_id text PRIMARY KEY, debtor_id text NOT NULL, "
        + ", ".join(f"{name} {kind}" for name, kind in _FIELDS.items())
        + ", updated_at timestamptz NOT NULL"
    ),
    order_by="legal_case_id",
    writes=(
        Write(
            rows,
            f"INSERT INTO {{table}} AS t ({', '.join(_NAMES)}) SELECT * FROM unnest({_ARRAYS}) "
            f"ON CONFLICT (legal_case_id) DO UPDATE SET {_KEEP}, updated_at = excluded.updated_at",
        ),
    ),
    indexes=("CREATE INDEX ON {table} (debtor_id)",),
)
