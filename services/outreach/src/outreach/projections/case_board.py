"""case_board: one row a case, with what holds it and how it ended. Pure but for its SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arrears.events.outreach import CaseClosed, CaseHeld, CaseOpened, CaseReleased, TreatmentAdopted, TreatmentExhausted
from arrears.projections import Projection, Row, Write
from arrears.recorded import Recorded


def opened(events: Sequence[Recorded]) -> list[Row]:
    """Return a row for each case that opened."""
    return [
        (
            e.data.case_id, e.debtor_id, " ".join(e.data.loan_ids), e.data.stage, e.data.opened_on,
            e.data.total_overdue_minor, e.data.currency,
        )
        for e in events
        if isinstance(e.data, CaseOpened)
    ]  # fmt: skip


def changed(events: Sequence[Recorded]) -> list[Row]:
    """Return what changed, one row a case: holds added or ended, treatment, end; None keeps what stands there."""
    rows: dict[str, dict[str, Any]] = {}
    for event in events:
        data = event.data
        if not isinstance(data, CaseHeld | CaseReleased | CaseClosed | TreatmentAdopted | TreatmentExhausted):
            continue
        row = rows.setdefault(data.case_id, {"holds": {}})
        row["at"] = event.recorded_at
        match data:
            case CaseHeld():
                row["holds"][f"{data.reason}:{data.ref}"] = True  # the last word about a hold counts
            case CaseReleased():
                row["holds"][f"{data.reason}:{data.ref}"] = False
            case CaseClosed():
                row["closed_on"], row["close_reason"] = data.on, data.reason
            case TreatmentAdopted():
                row["strategy"], row["exhausted"] = f"{data.strategy_id} v{data.version}", False
            case TreatmentExhausted():
                row["exhausted"] = True
    return [
        (
            case_id, " ".join(hold for hold, stands in row["holds"].items() if stands),
            " ".join(hold for hold, stands in row["holds"].items() if not stands), row.get("closed_on"),
            row.get("close_reason"),
            row.get("strategy"), row.get("exhausted"), row["at"],
        )
        for case_id, row in rows.items()
        if case_id
    ]  # fmt: skip


_OPEN: Final = """INSERT INTO {table} (case_id, debtor_id, loan_ids, stage, opened_on, total_overdue_minor, currency)
    SELECT case_id, debtor_id, string_to_array(loans, ' '), stage, opened_on, total, currency
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::bigint[], $7::text[])
      u(case_id, debtor_id, loans, stage, opened_on, total, currency)
    ON CONFLICT DO NOTHING"""

_CHANGE: Final = """UPDATE {table} t SET
    holds = ARRAY(SELECT h FROM unnest(t.holds || string_to_array(u.held, ' ')) h
                  EXCEPT SELECT r FROM unnest(string_to_array(u.released, ' ')) r ORDER BY 1),
    closed_on = coalesce(u.closed_on, t.closed_on), close_reason = coalesce(u.close_reason, t.close_reason),
    strategy = coalesce(u.strategy, t.strategy), exhausted = coalesce(u.exhausted, t.exhausted), updated_at = u.at
    FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::text[], $6::text[], $7::boolean[], $8::timestamptz[])
      u(case_id, held, released, closed_on, close_reason, strategy, exhausted, at) WHERE t.case_id = u.case_id"""

CASE_BOARD: Final = Projection(
    name="case_board",
    version=1,
    follows=frozenset({"outreach"}),
    columns="""case_id text PRIMARY KEY, debtor_id text NOT NULL, loan_ids text[] NOT NULL, stage text NOT NULL,
      opened_on date NOT NULL, total_overdue_minor bigint NOT NULL, currency text NOT NULL,
      holds text[] NOT NULL DEFAULT '{}', strategy text, exhausted boolean NOT NULL DEFAULT false, closed_on date,
      close_reason text, updated_at timestamptz""",
    order_by="case_id",
    writes=(Write(opened, _OPEN), Write(changed, _CHANGE)),
    indexes=("CREATE INDEX ON {table} (debtor_id)",),
)
