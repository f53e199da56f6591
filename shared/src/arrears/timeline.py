"""The collection timeline: one line an event that concerns a debtor, from whichever service. Every service keeps its own.

There is no order across services: readers sort by event time and record time, in one instant by the way that a debt takes
(ingest, scoring, outreach, legal), and within a service by position.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request

from arrears.database import Database
from arrears.events.registry import decode
from arrears.projections import Insert, Projection
from arrears.recorded import Recorded
from arrears.refusals import InvalidCommand
from arrears.timeline_texts import line

_COLUMNS: Final = """event_id text PRIMARY KEY, debtor_id text NOT NULL, source text NOT NULL, position bigint NOT NULL,
    type text NOT NULL, schema_version smallint NOT NULL, stream_key text NOT NULL, version int NOT NULL,
    occurred_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL, effective_on date, causation text NOT NULL,
    correlation text NOT NULL, actor text NOT NULL, loan_ids text[] NOT NULL, data bytea NOT NULL"""

_ORDER: Final = (
    "event_id", "debtor_id", "source", "position", "type", "schema_version", "stream_key", "version", "occurred_at",
    "recorded_at", "effective_on", "causation", "correlation", "actor", "loan_ids", "data",
)  # fmt: skip

_SELECT: Final = """SELECT * FROM read.timeline WHERE ($1::text IS NULL OR debtor_id = $1)
    AND ($2::text IS NULL OR loan_ids @> ARRAY[$2]) ORDER BY occurred_at, recorded_at,
      array_position('{ingest,scoring,outreach,legal,audit}'::text[], source), position LIMIT $3"""


def timeline(*follows: str) -> Projection:
    """Return the timeline of a service that hears of these publishers (its own name among them for its own events)."""
    return Projection(
        name="timeline",
        version=1,
        follows=frozenset(follows),
        columns=_COLUMNS,
        order_by="event_id",
        writes=(Insert(_rows, _ORDER),),
        indexes=(
            "CREATE INDEX ON {table} (debtor_id, occurred_at)",
            "CREATE INDEX ON {table} USING gin (loan_ids)",
        ),
    )


def loans_of(event: Recorded) -> tuple[str, ...]:
    """Return the loans that an event speaks of."""
    data: Any = event.data
    one = getattr(data, "loan_id", None)
    return (one,) if one is not None else tuple(getattr(data, "loan_ids", ()))


def _rows(events: Sequence[Recorded]) -> list[tuple[Any, ...]]:
    return [
        (
            e.event_id, e.debtor_id, e.source, e.position, e.type, e.schema_version, e.stream_key, e.version,
            e.occurred_at, e.recorded_at, e.meta.effective_on, e.meta.causation, e.meta.correlation,
            f"{e.meta.actor.kind}:{e.meta.actor.id}", loans_of(e), e.raw_data,
        )
        for e in events
        if e.type != "BusinessDayClosed"
    ]  # fmt: skip


async def lines(database: Database, debtor_id: str | None, loan_id: str | None, limit: int) -> list[dict[str, Any]]:
    """Return the timeline of a debtor or a loan, with a line in both languages for each event."""
    async with database.connection() as connection:
        rows = await connection.fetch(_SELECT, debtor_id, loan_id, limit)
    found = []
    for row in rows:
        event = decode(row["source"], row["type"], row["schema_version"], row["data"])
        entry = dict(row) | {"data": event}
        entry["line"] = {"en": line(event, "en"), "zh": line(event, "zh")}
        found.append(entry)
    return found


def timeline_route(router: APIRouter, database: Database) -> None:
    """Add `GET /v1/timeline?loan_id=…|debtor_id=…` to a router."""

    @router.get("/v1/timeline")
    async def get_timeline(
        request: Request, loan_id: str | None = None, debtor_id: str | None = None, limit: int = 1_000
    ) -> dict[str, Any]:
        """Return the events of a loan or a debtor that this service has heard of, oldest first."""
        if (loan_id is None) == (debtor_id is None):
            raise InvalidCommand("give either loan_id or debtor_id")
        found = await lines(database, debtor_id, loan_id, min(limit, 10_000))
        answer: dict[str, Any] = msgspec.to_builtins({"events": found})
        return answer
