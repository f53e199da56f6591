"""proposal_inbox: one row a proposal, with who has granted it and until when. Pure but for its SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from arrears.events.approvals import ApprovalExpired, ApprovalGranted, ApprovalRefused, ApprovalRequested
from arrears.events.legal import EscalationProposed
from arrears.events.registry import Event
from arrears.projections import Projection, Row, Write
from arrears.recorded import Recorded

_FIELDS: Final = {
    "partition": "int", "case_id": "text", "legal_case_id": "text", "loan_ids": "text", "currency": "text",
    "expected_net_minor": "bigint", "cost_minor": "bigint", "reasons": "text", "proposed_on": "date", "status": "text",
    "requested_by": "text", "roles": "text", "approvals_needed": "int", "valid_until": "date", "ended_by": "text",
    "ended_reason": "text",
}  # fmt: skip


def _changes(event: Event) -> dict[str, Any]:
    """Return the columns that an event sets. Proposal and request set different ones: a page may end between them."""
    match event:
        case EscalationProposed():
            return {
                "case_id": event.case_id, "legal_case_id": event.legal_case_id, "loan_ids": " ".join(event.loan_ids),
                "currency": event.currency, "expected_net_minor": event.expected_net_minor,
                "cost_minor": event.cost_minor, "reasons": " ".join(event.reasons), "proposed_on": event.proposed_on,
            }  # fmt: skip
        case ApprovalRequested():
            return {
                "status": "open", "requested_by": event.requested_by, "roles": " ".join(event.roles),
                "approvals_needed": event.approvals_needed, "valid_until": event.valid_until,
            }  # fmt: skip
        case ApprovalGranted():
            return {"status": "granted"} if event.complete else {}
        case ApprovalRefused():
            return {"status": "refused", "ended_by": event.refused_by, "ended_reason": event.reason}
        case ApprovalExpired():
            return {"status": "expired", "ended_reason": event.reason}
        case _:
            return {}


_OF_A_PROPOSAL: Final = (EscalationProposed, ApprovalRequested, ApprovalGranted, ApprovalRefused, ApprovalExpired)


def rows(events: Sequence[Recorded]) -> list[Row]:
    """Return what changes, one row a proposal: None keeps what stands there, `granted_by` is added to it."""
    changed: dict[str, dict[str, Any]] = {}
    granted: dict[str, list[str]] = {}
    for event in events:
        if isinstance(event.data, _OF_A_PROPOSAL):
            approval_id = event.data.approval_id
            row = changed.setdefault(approval_id, {"debtor_id": event.debtor_id, "partition": event.partition})
            row.update(_changes(event.data), updated_at=event.recorded_at)
            if isinstance(event.data, ApprovalGranted):
                granted.setdefault(approval_id, []).append(event.data.granted_by)
    return [
        (
            approval_id, row["debtor_id"], *(row.get(name) for name in _FIELDS),
            msgspec.json.encode(granted.get(approval_id, [])).decode(), row["updated_at"],
        )
        for approval_id, row in changed.items()
    ]  # fmt: skip


_NAMES: Final = ("approval_id", "debtor_id", *_FIELDS, "granted_by", "updated_at")
_ARRAYS: Final = ", ".join(
    f"${place}::{_FIELDS.get(name, 'timestamptz' if name == 'updated_at' else 'text')}[]"
    for place, name in enumerate(_NAMES, start=1)
)
_TAKEN: Final = ", ".join("granted_by::jsonb" if name == "granted_by" else name for name in _NAMES)
_KEEP: Final = ", ".join(f"{name} = coalesce(excluded.{name}, t.{name})" for name in _FIELDS)

PROPOSAL_INBOX: Final = Projection(
    name="proposal_inbox",
    version=1,
    follows=frozenset({"legal"}),
    columns=(
        "approval_id text PRIMARY KEY, debtor_id text NOT NULL, "
        + ", ".join(f"{name} {kind}" for name, kind in _FIELDS.items())
        + ", granted_by jsonb NOT NULL, updated_at timestamptz NOT NULL"
    ),
    order_by="approval_id",
    writes=(
        Write(
            rows,
            f"INSERT INTO {{table}} AS t ({', '.join(_NAMES)}) SELECT {_TAKEN} "
            f"FROM unnest({_ARRAYS}) u({', '.join(_NAMES)}) ON CONFLICT (approval_id) DO UPDATE SET {_KEEP}, "
            "granted_by = t.granted_by || excluded.granted_by, updated_at = excluded.updated_at",
        ),
    ),
    indexes=("CREATE INDEX ON {table} (status, valid_until, approval_id)",),
)
