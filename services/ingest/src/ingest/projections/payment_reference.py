"""Which loans a payment reference names; bank files are matched by it."""

from __future__ import annotations

from collections.abc import Sequence

from arrears.events.ingest import LoanImported
from arrears.projections import Projection, Row, Write
from arrears.recorded import Recorded


def _references(events: Sequence[Recorded]) -> Sequence[Row]:
    return [
        (event.data.payment_reference, event.data.loan_id, event.debtor_id)
        for event in events
        if isinstance(event.data, LoanImported) and event.data.payment_reference
    ]


PAYMENT_REFERENCE = Projection(
    name="payment_reference",
    version=1,
    follows=frozenset({"ingest"}),
    columns="""reference text NOT NULL, loan_id text NOT NULL, debtor_id text NOT NULL,
        PRIMARY KEY (reference, loan_id)""",
    order_by="reference, loan_id",
    writes=(
        Write(
            _references,
            """INSERT INTO {table} (reference, loan_id, debtor_id)
               SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING""",
        ),
    ),
)
