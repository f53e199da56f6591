"""promise_board: one row a promise, with what has come in and how it stands. Pure but for its SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arrears.events.outreach import (
    PromiseBroken,
    PromiseCancelled,
    PromiseKept,
    PromiseMade,
    PromisePartlyKept,
    PromisePaymentMatched,
    PromisePaymentUnmatched,
    PromiseReinstated,
)
from arrears.projections import Projection, Row, Write
from arrears.recorded import Recorded

_STATUS: Final[dict[type, str]] = {
    PromiseKept: "kept",
    PromisePartlyKept: "partly_kept",
    PromiseBroken: "broken",
    PromiseCancelled: "cancelled",
    PromiseReinstated: "open",
}


def made(events: Sequence[Recorded]) -> list[Row]:
    """Return a row for each promise taken."""
    return [
        (
            e.data.promise_id, e.debtor_id, e.data.case_id, " ".join(e.data.loan_ids), e.data.currency,
            e.data.total_minor, e.data.promised_on, e.data.parts[0].due_on, e.data.parts[-1].due_on,
            e.data.grace_days, e.data.taken_by,
        )
        for e in events
        if isinstance(e.data, PromiseMade)
    ]  # fmt: skip


def judged(events: Sequence[Recorded]) -> list[Row]:
    """Return each promise's last status in the page, and the payments that were added and taken back."""
    rows: dict[str, dict[str, Any]] = {}
    for event in events:
        data = event.data
        if isinstance(data, PromisePaymentMatched | PromisePaymentUnmatched):
            row = rows.setdefault(data.promise_id, {"payments": {}})
            row["payments"][data.repayment_id] = isinstance(data, PromisePaymentMatched)  # the last word counts
        elif type(data) in _STATUS:
            promise: Any = data
            row = rows.setdefault(promise.promise_id, {"payments": {}})
            row["status"], row["on"] = _STATUS[type(data)], promise.on
    return [
        (
            promise_id, row.get("status"), row.get("on"), " ".join(r for r, counts in row["payments"].items() if counts),
            " ".join(r for r, counts in row["payments"].items() if not counts),
        )
        for promise_id, row in rows.items()
    ]  # fmt: skip


_MAKE: Final = """INSERT INTO {table} (promise_id, debtor_id, case_id, loan_ids, currency, total_minor, promised_on,
      first_due_on, last_due_on, grace_days, taken_by)
    SELECT promise_id, debtor_id, case_id, string_to_array(loans, ' '), currency, total, promised_on, first_due, last_due,
      grace, taken_by
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::date[], $8::date[],
      $9::date[], $10::int[], $11::text[])
      u(promise_id, debtor_id, case_id, loans, currency, total, promised_on, first_due, last_due, grace, taken_by)
    ON CONFLICT DO NOTHING"""
_JUDGE: Final = """UPDATE {table} t SET status = coalesce(u.status, t.status), status_on = coalesce(u.on_day, t.status_on),
    repayment_ids = ARRAY(SELECT r FROM unnest(t.repayment_ids || string_to_array(u.matched, ' ')) r
                          EXCEPT SELECT x FROM unnest(string_to_array(u.unmatched, ' ')) x ORDER BY 1)
    FROM unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::text[]) u(promise_id, status, on_day, matched, unmatched)
    WHERE t.promise_id = u.promise_id"""

PROMISE_BOARD: Final = Projection(
    name="promise_board",
    version=1,
    follows=frozenset({"outreach"}),
    columns="""promise_id text PRIMARY KEY, debtor_id text NOT NULL, case_id text NOT NULL, loan_ids text[] NOT NULL,
      currency text NOT NULL, total_minor bigint NOT NULL, promised_on date NOT NULL, first_due_on date NOT NULL,
      last_due_on date NOT NULL, grace_days int NOT NULL, taken_by text NOT NULL, status text NOT NULL DEFAULT 'open',
      status_on date, repayment_ids text[] NOT NULL DEFAULT '{}'""",
    order_by="promise_id",
    writes=(Write(made, _MAKE), Write(judged, _JUDGE)),
    indexes=("CREATE INDEX ON {table} (status, last_due_on)", "CREATE INDEX ON {table} (debtor_id)"),
)
