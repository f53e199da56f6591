"""What an auditor asks: do the logs hold, which heads were received, what stands in the copy."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from arrears.http.pages import MAX_ROWS, Page, Paging, page_of
from arrears.runtime import Runtime
from audit.domain.checkpoint import checkpoint_of
from audit.projections.copy import SERVICES

Service = Literal["ingest", "scoring", "outreach", "legal", "audit"]

# Up to `checked` the copy has no gap, so only what stands behind it needs counting.
_LOGS: Final = """SELECT s.name, coalesce(p.checked, 0) AS checked,
      coalesce(p.checked, 0) + (SELECT count(*) FROM read.copy c
        WHERE c.service = s.name AND c.position > coalesce(p.checked, 0)) AS copied,
      coalesce((SELECT max(size) FROM audit.head h WHERE h.service = s.name), 0) AS signed,
      coalesce((SELECT max(size) FROM audit.head h WHERE h.service = s.name AND verdict = 'ok'), 0) AS verified,
      (SELECT root FROM audit.head h WHERE h.service = s.name AND verdict = 'ok' ORDER BY size DESC LIMIT 1) AS root
    FROM unnest($1::text[]) s(name) LEFT JOIN audit.progress p ON p.service = s.name"""


class LogVerification(BaseModel):
    """How one service's log stands. `violated` stays until people have dealt with it; `behind` passes by itself."""

    service: str
    status: Literal["ok", "behind", "violated"]
    events_copied: int
    events_checked: int
    tree_size: int
    verified_size: int
    root_hash: str
    last_signed_size: int
    last_signed_at: datetime | None
    first_bad_position: int | None
    violations: list[dict[str, Any]]


class HeadReceived(BaseModel):
    """A signed head that a publisher sent, and what audit found it to be."""

    service: str
    size: int
    root_hash: str
    signature: str
    signed_at: datetime
    verdict: str


class EventCopied(BaseModel):
    """One event of the copy; data and meta as text, personal fields sealed as they are in the log."""

    service: str
    position: int
    stream_key: str
    version: int
    debtor_id: str
    type: str
    schema_version: int
    occurred_at: datetime
    recorded_at: datetime
    data: str
    meta: str
    leaf: str


def verification_router(runtime: Runtime) -> APIRouter:
    """Return the routes, bound to a running service."""
    router = APIRouter(tags=["verification"])

    @router.get("/v1/verification")
    async def get_verification() -> dict[str, list[LogVerification]]:
        """Say for each service whether its log is what its publisher signed."""
        return {"logs": await logs(runtime)}

    @router.get("/v1/heads")
    async def get_heads(service: Service, paging: Paging) -> Page[HeadReceived]:
        """Return the heads received from a service, newest first."""
        before = int(paging.after[0]) if paging.after else 2**62
        async with runtime.database.connection() as connection:
            rows = await connection.fetch(
                "SELECT * FROM audit.head WHERE service = $1 AND size < $2 ORDER BY size DESC LIMIT $3",
                service, before, paging.limit + 1,
            )  # fmt: skip
        heads = [
            HeadReceived(
                service=r["service"], size=r["size"], root_hash=r["root"].hex(), signature=r["signature"].hex(),
                signed_at=r["signed_at"], verdict=r["verdict"],
            )
            for r in rows
        ]  # fmt: skip
        return page_of(heads, paging, lambda head: (head.size,))

    @router.get("/v1/events")
    async def get_events(
        service: Service,
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = MAX_ROWS,
    ) -> dict[str, list[EventCopied]]:
        """Return the events of a service after a position, in order."""
        async with runtime.database.connection() as connection:
            rows = await connection.fetch(
                "SELECT * FROM read.copy WHERE service = $1 AND position > $2 ORDER BY position LIMIT $3",
                service, after, limit,
            )  # fmt: skip
        return {"events": [_event(row) for row in rows]}

    return router


async def logs(runtime: Runtime) -> list[LogVerification]:
    """Return how every log stands."""
    async with runtime.database.connection() as connection:
        rows = await connection.fetch(_LOGS, list(SERVICES))
    work = runtime.store.work(runtime.clock.now())
    await work.load([checkpoint_of(service) for service in SERVICES])
    found = []
    for row in rows:
        state = await work.state(checkpoint_of(row["name"]))
        behind = row["checked"] < row["copied"] or row["verified"] < max(row["signed"], row["copied"])
        found.append(
            LogVerification(
                service=row["name"], status="violated" if state.violations else "behind" if behind else "ok",
                events_copied=row["copied"], events_checked=row["checked"], tree_size=row["signed"],
                verified_size=row["verified"], root_hash=(row["root"] or b"").hex(),
                last_signed_size=state.signed_size, last_signed_at=state.signed_at,
                first_bad_position=min((v.position for v in state.violations), default=None),
                violations=[{"kind": v.kind, "position": v.position, "detail": v.detail} for v in state.violations],
            )
        )  # fmt: skip
    return found


def _event(row: Any) -> EventCopied:
    return EventCopied(
        service=row["service"], position=row["position"], stream_key=row["stream_key"], version=row["version"],
        debtor_id=row["debtor_id"], type=row["type"], schema_version=row["schema_version"],
        occurred_at=row["occurred_at"], recorded_at=row["recorded_at"], data=row["data"].decode("utf-8", "replace"),
        meta=row["meta"].decode("utf-8", "replace"), leaf=row["leaf"].hex(),
    )  # fmt: skip
