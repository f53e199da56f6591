"""Cases: the collection case of each debtor with outreach, and whether it went to legal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arrears.events.legal import EscalatedToLegal, LegalCaseClosed
from arrears.events.outreach import CaseClosed, CaseHeld, CaseOpened, CaseReleased
from arrears.projections import Projection, Write
from arrears.recorded import Recorded

_COLUMNS: Final = """case_id text PRIMARY KEY, debtor_id text NOT NULL, status text, reason text, opened_at timestamptz,
    legal text"""

# Outreach and legal come in no common order, so each writes columns of its own.
_UPSERT: Final = """INSERT INTO {table} AS t (case_id, debtor_id, status, reason, opened_at, legal)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
    ON CONFLICT (case_id) DO UPDATE SET status = coalesce(excluded.status, t.status),
      reason = CASE WHEN excluded.status IS NULL THEN t.reason ELSE excluded.reason END,
      opened_at = coalesce(t.opened_at, excluded.opened_at), legal = coalesce(excluded.legal, t.legal)"""


def _known(event: Recorded) -> dict[str, Any]:
    match event.data:
        case CaseOpened():
            return {"status": "open", "reason": None, "opened_at": event.occurred_at}
        case CaseHeld(reason=reason):
            return {"status": "held", "reason": reason}
        case CaseReleased():
            return {"status": "open", "reason": None}
        case CaseClosed(reason=reason):
            return {"status": "closed", "reason": reason}
        case EscalatedToLegal():
            return {"legal": "escalated"}
        case LegalCaseClosed():
            return {"legal": "closed"}
        case _:
            return {}


def _rows(events: Sequence[Recorded]) -> list[tuple[Any, ...]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for event in events:
        if known := _known(event):
            case_id: str = event.data.case_id  # type: ignore[attr-defined]
            found.setdefault((case_id, event.debtor_id), {}).update(known)
    names = ("status", "reason", "opened_at", "legal")
    return [(*key, *(known.get(name) for name in names)) for key, known in found.items()]


CASES: Final = Projection(
    name="cases",
    version=1,
    follows=frozenset({"outreach", "legal"}),
    columns=_COLUMNS,
    order_by="case_id",
    writes=(Write(_rows, _UPSERT),),
    indexes=("CREATE INDEX ON {table} (debtor_id)",),
)
