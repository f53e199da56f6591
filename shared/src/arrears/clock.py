"""The clock of the domain: real time, or the virtual time that only the demo and tests move.

Leases, tokens, retries and telemetry use real time and never this clock. A decision receives the instant as an
argument; only entrypoints and the kernel ask the clock.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, Protocol

import httpx
import stamina
import structlog

_log = structlog.get_logger("arrears.clock")
# A sleep is cut in pieces, because a suspended machine or a corrected system clock would make one long sleep wrong.
_LONGEST_SLEEP_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 25


class Clock(Protocol):
    """What time it is for the business.

    `now` is cheap, aware and in UTC, and never goes back within one process. `wait_until` returns once `now()` has
    reached `instant`. `changed` returns after the next jump of the clock; real time never jumps.
    """

    def now(self) -> datetime: ...

    async def wait_until(self, instant: datetime) -> None: ...

    async def changed(self) -> None: ...


class ClockUnavailable(Exception):
    """The clock process does not answer, or not with a time."""


class VirtualClockRefused(Exception):
    """Production runs on real time only."""


class SystemClock:
    """Real time in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  (the kernel's clock)

    async def wait_until(self, instant: datetime) -> None:
        while (left := (instant - self.now()).total_seconds()) > 0:  # noqa: ASYNC110  (real time tells nobody)
            await asyncio.sleep(min(left, _LONGEST_SLEEP_SECONDS))

    async def changed(self) -> None:
        await asyncio.Event().wait()


class VirtualClock:
    """Follows the clock process by long polls, so that `now` is a field and every move arrives at once.

    While that process is away the time stands still and the polls are repeated; nothing is invented.
    """

    def __init__(self, http: httpx.AsyncClient, url: str, name: str) -> None:
        self._http = http
        self._url = url.rstrip("/") + "/now"
        self._name = name
        self._now: datetime | None = None
        self._moved = asyncio.Condition()

    def now(self) -> datetime:
        if self._now is None:
            raise ClockUnavailable("the virtual clock was not started")
        return self._now

    async def wait_until(self, instant: datetime) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: self._now is not None and self._now >= instant)

    async def changed(self) -> None:
        async with self._moved:
            before = self._now
            await self._moved.wait_for(lambda: self._now != before)

    async def start(self) -> None:
        """Read the time once.

        Raises:
            ClockUnavailable: no answer after some tries.
        """
        async for attempt in stamina.retry_context(on=ClockUnavailable, attempts=10, timeout=20, wait_max=2.0):
            with attempt:
                await self._poll(None)

    async def follow(self) -> None:
        """Take every move of the clock until cancelled."""
        while True:
            async for attempt in stamina.retry_context(on=ClockUnavailable, attempts=None, timeout=None, wait_max=2.0):
                with attempt:
                    await self._poll(self.now())

    async def _poll(self, after: datetime | None) -> None:
        query = {"client": self._name} if after is None else {"client": self._name, "after": after.isoformat()}
        try:
            answer = await self._http.get(self._url, params=query, timeout=_POLL_SECONDS + 10)
            answer.raise_for_status()
            told = datetime.fromisoformat(answer.json()["now"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise ClockUnavailable(f"no time from {self._url}: {error!r}") from error
        if told.tzinfo is None:
            raise ClockUnavailable(f"{self._url} told a time without zone")
        if self._now is not None and told < self._now:
            _log.warning("clock.went_back", told=told.isoformat(), kept=self._now.isoformat())
            raise ClockUnavailable(f"{self._url} went back to {told.isoformat()}")
        async with self._moved:
            self._now = told.astimezone(UTC)
            self._moved.notify_all()


async def tell_jumps(clock: Clock, waiter: asyncio.Event) -> None:
    """Wake a role at every jump of the clock, until cancelled: what it waits for may be due now."""
    while True:
        await clock.changed()
        waiter.set()


@asynccontextmanager
async def clock_from_settings(kind: str, url: str, environment: str, name: str) -> AsyncIterator[Clock]:
    """Yield the clock that ARREARS_CLOCK (`system` or `virtual`) names; `name` tells the clock process who follows it.

    Raises:
        VirtualClockRefused: `virtual` in production.
        ClockUnavailable: the clock process cannot be reached.
        ValueError: neither `system` nor `virtual`.
    """
    if kind == "system":
        yield SystemClock()
        return
    if kind != "virtual":
        raise ValueError(f"ARREARS_CLOCK must be system or virtual, not {kind!r}")
    if environment == "production":
        raise VirtualClockRefused("ARREARS_CLOCK=virtual is refused with ARREARS_ENV=production")
    async with httpx.AsyncClient(trust_env=False) as http:
        clock = VirtualClock(http, url, f"{name}/{os.getpid()}")
        await clock.start()
        following = asyncio.create_task(clock.follow(), name="virtual-clock")
        try:
            yield clock
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
