"""Reactions: what an event of the own log makes us do outside (call a provider). At least once, in order.

The outside answers by a command, so its result is in the log too. A reaction is repeated after a crash; what it calls
must recognise the repetition (an idempotency key made of the event's own ids).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from arrears.events.registry import Event
from arrears.followers import cursor, forever
from arrears.recorded import Recorded
from arrears.signal import Signal, wait

if TYPE_CHECKING:
    from arrears.runtime import Runtime

_PAGE: Final = 200
_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Reaction:
    """Calls `react` for each own event of the given types. It returns when done with it, for good or ill.

    `repeat`, if given, is called instead for an event with which an earlier life of the follower may have begun: what it
    cannot do now may have been done then.
    """

    name: str
    events: tuple[type[Event], ...]
    react: Callable[[Recorded, Runtime], Awaitable[None]]
    repeat: Callable[[Recorded, Runtime], Awaitable[None]] | None = None


class ReactionFollower:
    """Runs one reaction along the own log; debtors run side by side, events of one debtor in order."""

    def __init__(self, reaction: Reaction, runtime: Runtime, appended: Signal, idle_seconds: float) -> None:
        self._reaction = reaction
        self._runtime = runtime
        self._wake = appended.listener()
        self._idle = idle_seconds
        self.name = f"reaction-{reaction.name}"

    async def run(self) -> None:
        """Follow the log until cancelled; one replica at a time."""
        await forever(self.name, self._lead)

    async def _lead(self) -> None:
        session = await self._runtime.database.session()
        try:
            while not await session.fetchval("SELECT pg_try_advisory_lock(hashtext($1))", self.name):  # noqa: ASYNC110
                await asyncio.sleep(1)
            async with session.transaction():
                position = await cursor(session, self.name)
            # Whoever led before can have read no further than this: its lock ended with its session.
            head = await session.fetchval("SELECT coalesce(max(position), 0) FROM es.event")
            while True:
                events = await self._runtime.store.read(session, position, _PAGE)
                if not events:
                    await wait(self._wake, self._idle)
                    continue
                await self._react(events, head)
                position = events[-1].position
                await session.execute("UPDATE es.follower SET position = $2 WHERE name = $1", self.name, position)
        finally:
            await session.close()

    async def _react(self, events: list[Recorded], head: int) -> None:
        reaction = self._reaction
        repeat = reaction.repeat or reaction.react
        by_debtor: dict[str, list[Recorded]] = {}
        for event in events:
            if isinstance(event.data, reaction.events):
                by_debtor.setdefault(event.debtor_id, []).append(event)
        free = asyncio.Semaphore(_AT_ONCE)

        async def one(own: list[Recorded]) -> None:
            async with free:
                for event in own:
                    await (repeat if event.position <= head else reaction.react)(event, self._runtime)

        async with asyncio.TaskGroup() as group:
            for own in by_debtor.values():
                group.create_task(one(own))
