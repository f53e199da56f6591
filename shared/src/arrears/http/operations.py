"""Routes that every service has: its timeline, its lag, its parked records."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from arrears.lag import LagMeter
from arrears.parked import parked, parked_record, redrive
from arrears.refusals import NotFound
from arrears.runtime import Runtime
from arrears.timeline import timeline_route


class RedriveRequest(BaseModel):
    """Which parked records to apply again: all, those of a topic, or those of one key."""

    topic: str | None = None
    key: str | None = None


def operations_router(runtime: Runtime) -> APIRouter:
    """Return the routes, bound to a running service."""
    router = APIRouter(tags=["operations"])
    meter = LagMeter(runtime)
    if any(p.name == "timeline" for p in runtime.definition.projections):
        timeline_route(router, runtime.database)

    @router.get("/v1/lag")
    async def get_lag() -> dict[str, Any]:
        """Return how far this service is behind; `total` 0 means that nothing is left to do."""
        lag = await meter.measure()
        return {**asdict(lag), "total": lag.total}

    @router.get("/v1/dlq")
    async def get_parked() -> dict[str, Any]:
        """Return the parked records, each with its reason."""
        return {"parked": await parked(runtime.database, runtime.service)}

    @router.get("/v1/dlq/{topic}/{part}/{offset}")
    async def get_parked_record(topic: str, part: int, offset: int) -> dict[str, Any]:
        """Return one parked record whole."""
        record = await parked_record(runtime.database, runtime.service, topic, part, offset)
        if record is None:
            raise NotFound(f"nothing is parked at {topic}/{part}/{offset}")
        return record

    @router.post("/v1/dlq/redrive")
    async def post_redrive(body: RedriveRequest) -> dict[str, Any]:
        """Apply parked records again, in order and once; what still fails stays parked."""
        done = await redrive(runtime.inbox, body.topic, body.key, runtime.clock.now())
        runtime.appended.notify()
        return {"keys": [asdict(one) for one in done]}

    return router
