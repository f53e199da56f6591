"""Debtors: one row a person, found by customer reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arrears.events.ingest import DebtorRegistered
from arrears.projections import Projection, Write
from arrears.recorded import Recorded

_COLUMNS: Final = """debtor_id text PRIMARY KEY, source text NOT NULL, customer_ref text NOT NULL,
    zone text NOT NULL, registered_at timestamptz NOT NULL"""

_INSERT: Final = """INSERT INTO {table} (debtor_id, source, customer_ref, zone, registered_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) ON CONFLICT DO NOTHING"""


def _rows(events: Sequence[Recorded]) -> list[tuple[Any, ...]]:
    return [
        (e.debtor_id, e.data.source, e.data.customer_ref, e.data.zone, e.occurred_at)
        for e in events
        if isinstance(e.data, DebtorRegistered)
    ]


DEBTORS: Final = Projection(
    name="debtors",
    version=1,
    follows=frozenset({"ingest"}),
    columns=_COLUMNS,
    order_by="debtor_id",
    writes=(Write(_rows, _INSERT),),
    indexes=(
        "CREATE INDEX ON {table} (customer_ref, debtor_id)",
        "CREATE INDEX ON {table} (customer_ref text_pattern_ops)",
        "CREATE INDEX ON {table} (debtor_id text_pattern_ops)",
    ),
)
