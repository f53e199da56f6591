"""The role `timers`: wakes streams at the instants that they wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from arrears.clock import Clock, tell_jumps
from arrears.eventstore.errors import StreamVersionConflict
from arrears.eventstore.store import EventStore
from arrears.failpoints import failpoint
from arrears.followers import forever
from arrears.kafka.inbox import Inbox
from arrears.signal import Signal, wait
from arrears.wakes import InstantRule, wake_instants

_LONGEST_WAIT: Final = 1.0
_UNHEARD_WAIT: Final = 0.02
_OVERDUE_WAIT: Final = 0.25  # a stream that is due and was not woken: parked, stuck, or a replica is at it


class Timers:
    """Runs the instant rules of one service. Replicas may run side by side: a stream's version lets one of them win."""

    def __init__(
        self, store: EventStore, inbox: Inbox, rules: Sequence[InstantRule], clock: Clock, appended: Signal
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._rules = rules
        self._clock = clock
        self._appended = appended
        self._wake = appended.listener()
        self._stuck: set[str] = set()

    async def run(self) -> None:
        """Wake streams until cancelled."""
        jumps = asyncio.create_task(tell_jumps(self._clock, self._wake), name="timers-jumps")
        try:
            await forever(f"{self._store.service}-timers", self._turn)
        finally:
            jumps.cancel()

    async def fire(self, now: datetime) -> int:
        """Wake every stream due at `now`, one page, and return how many were due."""
        async with self._store.database.transaction() as connection:
            failpoint("timer.after_begin")
            work = self._store.work(now, connection)
            work.feeds = await self._inbox.feeds(connection)
            woken = await wake_instants(connection, work, self._rules, now, self._stuck)
            await self._store.append(connection, [work])
        if woken:
            failpoint("timer.after_commit")
            self._appended.notify()
        return woken

    async def _turn(self) -> None:
        now = self._clock.now()
        if self._store.virtual and not await self._heard_up_to(now):
            await wait(self._wake, _UNHEARD_WAIT)
            return
        try:
            woken = await self.fire(now)
        except StreamVersionConflict:
            return
        if not woken:
            await wait(self._wake, await self._seconds_to_next())

    async def _heard_up_to(self, now: datetime) -> bool:
        """Say whether the publishers' heartbeats have followed a jump of the virtual clock, as they follow real time."""
        async with self._store.database.connection() as connection:
            return await self._inbox.feeds_behind(connection, now) == 0

    async def _seconds_to_next(self) -> float:
        async with self._store.database.connection() as connection:
            at = await connection.fetchval("SELECT min(wake_at) FROM es.stream WHERE wake_at IS NOT NULL")
        if at is None:
            return _LONGEST_WAIT
        seconds: float = (at - self._clock.now()).total_seconds()
        return _OVERDUE_WAIT if seconds <= 0 else min(_LONGEST_WAIT, seconds)
