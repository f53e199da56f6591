"""Loans: what is owed on each, and how late, after the last event of ingest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arrears.events.ingest import (
    DelinquencyBucketChanged,
    LoanBalanceChanged,
    LoanCured,
    LoanImported,
    LoanOverdue,
)
from arrears.projections import Projection, Write
from arrears.recorded import Recorded

_COLUMNS: Final = """loan_id text PRIMARY KEY, debtor_id text NOT NULL, external_ref text, product text, currency text,
    bucket text, days_past_due int, payoff_minor bigint"""

# Every event knows a part; what it does not know stays as it was.
_UPSERT: Final = """INSERT INTO {table} AS t (loan_id, debtor_id, external_ref, product, currency, bucket, days_past_due,
      payoff_minor)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::bigint[])
    ON CONFLICT (loan_id) DO UPDATE SET external_ref = coalesce(excluded.external_ref, t.external_ref),
      product = coalesce(excluded.product, t.product), currency = coalesce(excluded.currency, t.currency),
      bucket = coalesce(excluded.bucket, t.bucket), days_past_due = coalesce(excluded.days_past_due, t.days_past_due),
      payoff_minor = coalesce(excluded.payoff_minor, t.payoff_minor)"""
_FIELDS: Final = ("external_ref", "product", "currency", "bucket", "days_past_due", "payoff_minor")


def _known(data: object) -> dict[str, Any]:
    match data:
        case LoanImported():
            return {
                "external_ref": data.external_ref,
                "product": data.product,
                "currency": data.currency,
                "bucket": "M0",
            }
        case LoanOverdue():
            return {"bucket": data.bucket, "days_past_due": data.days_past_due, "payoff_minor": data.payoff_minor}
        case DelinquencyBucketChanged():
            return {"bucket": data.to_bucket, "days_past_due": data.days_past_due}
        case LoanCured():
            return {"bucket": "M0", "days_past_due": 0}
        case LoanBalanceChanged():
            return {"payoff_minor": data.payoff_minor, "currency": data.currency}
        case _:
            return {}


def _rows(events: Sequence[Recorded]) -> list[tuple[Any, ...]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for event in events:
        if known := _known(event.data):
            loan_id: str = event.data.loan_id  # type: ignore[attr-defined]
            found.setdefault((loan_id, event.debtor_id), {}).update(known)
    return [(*key, *(known.get(name) for name in _FIELDS)) for key, known in found.items()]


LOANS: Final = Projection(
    name="loans",
    version=1,
    follows=frozenset({"ingest"}),
    columns=_COLUMNS,
    order_by="loan_id",
    writes=(Write(_rows, _UPSERT),),
    indexes=(
        "CREATE INDEX ON {table} (debtor_id)",
        "CREATE INDEX ON {table} (external_ref text_pattern_ops)",
    ),
)
