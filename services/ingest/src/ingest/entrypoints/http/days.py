"""GET and POST /v1/business-days: which day is closed, and close one."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from arrears.auth.enforcement import CurrentPrincipal
from arrears.eventstore.commands import IdempotencyKey as CommandKey
from arrears.eventstore.work import Cause, Work
from arrears.http.idempotency import IdempotencyKey
from arrears.recorded import Actor
from arrears.runtime import Runtime
from ingest.domain.business_day import CALENDAR, calendar_of
from ingest.use_cases.close_day import Aged, age_all, check_order, close_partitions


class CloseDayRequest(BaseModel):
    """The business date to close; days are closed in order."""

    date: Annotated[date, Field(examples=["2026-03-02"])]


class ClosedDayAnswer(BaseModel):
    """What the close did. `closed_before`: nothing was left to do. `loans_left`: they could not be aged and wait."""

    date: date
    calendar_id: str
    closed_partitions: int
    closed_before: bool
    loans_aged: int
    events: int
    loans_left: list[str]


class CalendarAnswer(BaseModel):
    """The last business day closed in every partition; `partitions_ahead` have closed a later one already."""

    calendar_id: str
    closed_on: date | None
    partitions: int
    partitions_ahead: int


def day_routes(runtime: Runtime) -> APIRouter:
    """Return the routes of business days."""
    router = APIRouter(tags=["business days"])

    @router.get("/v1/business-days")
    async def get_days() -> CalendarAnswer:
        """Return how far the calendar is closed."""
        work = runtime.store.work(runtime.clock.now())
        await work.load(calendar_of(partition) for partition in range(work.partitions))
        closed = [(await work.state(calendar_of(partition))).closed_on for partition in range(work.partitions)]
        everywhere = None if None in closed else min(on for on in closed if on is not None)
        return CalendarAnswer(
            calendar_id=CALENDAR, closed_on=everywhere, partitions=len(closed),
            partitions_ahead=sum(on != everywhere for on in closed),
        )  # fmt: skip

    @router.post("/v1/business-days")
    async def post_day(body: CloseDayRequest, key: IdempotencyKey, principal: CurrentPrincipal) -> ClosedDayAnswer:
        """Age what waits for this day, then close it in every partition; may be repeated after an interruption."""
        day, aged = body.date, Aged()
        cause = Cause(Actor(kind="user", id=principal.subject), principal.tenant, correlation=f"business-day/{day}")

        async def close(work: Work) -> dict[str, Any]:
            await check_order(day, work)
            await age_all(day, runtime.store, runtime.clock, aged)
            runtime.appended.notify()
            return await close_partitions(day, aged, cause, work)

        request = b"POST /v1/business-days"
        command_key = CommandKey.of(principal.subject, key, request, body.model_dump_json().encode())
        answer = await runtime.commands.run(close, command_key)
        return ClosedDayAnswer(**answer.response)

    return router
