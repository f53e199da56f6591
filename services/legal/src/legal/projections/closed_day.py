"""closed_day: the last business day that has closed for each partition, as legal has heard. Pure but for its SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from arrears.events.ingest import BusinessDayClosed
from arrears.projections import Projection, Row, Write
from arrears.recorded import Recorded


def rows(events: Sequence[Recorded]) -> list[Row]:
    """Return the latest day of each partition."""
    latest: dict[int, date] = {}
    for event in events:
        if isinstance(event.data, BusinessDayClosed):
            partition, day = event.data.partition, event.data.business_date
            latest[partition] = max(day, latest.get(partition, day))
    return list(latest.items())


CLOSED_DAY: Final = Projection(
    name="closed_day",
    version=1,
    follows=frozenset({"ingest"}),
    columns="partition int PRIMARY KEY, business_date date NOT NULL",
    order_by="partition",
    writes=(
        Write(
            rows,
            "INSERT INTO {table} AS t (partition, business_date) SELECT * FROM unnest($1::int[], $2::date[]) "
            "ON CONFLICT (partition) DO UPDATE SET business_date = greatest(t.business_date, excluded.business_date)",
        ),
    ),
)
