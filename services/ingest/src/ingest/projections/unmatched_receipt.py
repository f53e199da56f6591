"""Money that waits for a person."""

from __future__ import annotations

from collections.abc import Sequence

from arrears.events.ingest import UnmatchedReceiptOpened
from arrears.projections import Projection, Row, Write
from arrears.recorded import Recorded


def _opened(events: Sequence[Recorded]) -> Sequence[Row]:
    return [
        (d.receipt_id, d.amount_minor, d.currency, d.value_on, d.reference, d.source_document, d.reason)
        for d in (event.data for event in events)
        if isinstance(d, UnmatchedReceiptOpened)
    ]


UNMATCHED_RECEIPTS = Projection(
    name="unmatched_receipt",
    version=1,
    follows=frozenset({"ingest"}),
    columns="""receipt_id text PRIMARY KEY, amount_minor bigint NOT NULL, currency text NOT NULL,
        value_on date NOT NULL, reference text NOT NULL, source_document text NOT NULL, reason text NOT NULL""",
    order_by="receipt_id",
    writes=(
        Write(
            _opened,
            """INSERT INTO {table} SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::date[], $5::text[],
                 $6::text[], $7::text[]) ON CONFLICT DO NOTHING""",
        ),
    ),
)
