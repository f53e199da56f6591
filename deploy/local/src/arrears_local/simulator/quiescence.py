"""Knowing that the whole system has finished with everything it was told: lag 0 everywhere, twice, with nothing new between."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from arrears_local.doors import Doors
from arrears_local.refusals import LocalRefusal

SERVICES: Final = ("ingest", "scoring", "outreach", "legal", "audit", "console")


class NeverQuiet(LocalRefusal):
    """The system still has work after the time allowed."""


async def until_quiet(doors: Doors, services: tuple[str, ...] = SERVICES, seconds: float = 300) -> list[dict[str, Any]]:
    """Wait until every service has lag 0 and nobody's log grew meanwhile; returns the lag of each service.

    An event on its way between two services shows in the log of the first or the lag of the second, a message in the
    provider's callbacks, so two equal, idle measurements in a row leave no place for one.

    Raises:
        NeverQuiet: after `seconds`, with what was left.
    """
    before: list[int] | None = None
    lags: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                lags = list(await asyncio.gather(*(doors.get(service, "/v1/lag") for service in services)))
                called, calling = await doors.callbacks()
                heads = [*(lag["head"] for lag in lags), called]
                idle = not calling and not any(lag["total"] for lag in lags)
                if idle and heads == before:
                    return lags
                before = heads if idle else None
    except TimeoutError:
        left = {
            lag["service"]: (lag["topics"], lag["followers"], lag["due_instants"], lag["stale_feeds"])
            for lag in lags
            if lag["total"]
        }
        raise NeverQuiet(
            f"still working after {seconds:.0f} s: {left}", "look at `arrears lag` and `arrears dlq list`"
        ) from None
