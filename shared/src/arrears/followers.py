"""Readers of the own log, each with one ordered cursor: read models, the sealer, reactions; the relay beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import stamina
import structlog

from arrears.database import Connection
from arrears.eventstore.store import EventStore
from arrears.failpoints import failpoint
from arrears.projections import Projection, live_generations
from arrears.recorded import Recorded
from arrears.signal import Signal, wait
from arrears.transient import is_transient

_PAGE: Final = 2_000
_log = structlog.get_logger()

Step = Callable[[Connection, Sequence[Recorded]], Awaitable[None]]


async def cursor(connection: Connection, name: str) -> int:
    """Return a follower's position, locked until the transaction ends so that two replicas take turns."""
    await connection.execute("INSERT INTO es.follower (name) VALUES ($1) ON CONFLICT DO NOTHING", name)
    position: int = await connection.fetchval("SELECT position FROM es.follower WHERE name = $1 FOR UPDATE", name)
    return position


class Follower:
    """Applies `step` to the log in order; its effect and its cursor are one transaction."""

    def __init__(self, store: EventStore, name: str, step: Step, appended: Signal, idle_seconds: float) -> None:
        self.name = name
        self._store = store
        self._step = step
        self._wake = appended.listener()
        self._idle = idle_seconds

    async def advance(self) -> int:
        """Apply one page and return how many events it held."""
        async with self._store.database.transaction() as connection:
            position = await cursor(connection, self.name)
            events = await self._store.read(connection, position, _PAGE)
            if events:
                await self._step(connection, events)
                await connection.execute(
                    "UPDATE es.follower SET position = $2 WHERE name = $1", self.name, events[-1].position
                )
        return len(events)

    async def run(self) -> None:
        """Follow the log until cancelled; a database that is away is waited for."""
        await forever(self.name, self._turn)

    async def _turn(self) -> None:
        if not await self.advance():
            await wait(self._wake, self._idle)


class ProjectionFollower:
    """Keeps the own read models at the log's head; each projection's position is in the transaction of its rows."""

    def __init__(
        self, store: EventStore, projections: Sequence[Projection], appended: Signal, idle_seconds: float
    ) -> None:
        self._store = store
        self._projections = [p for p in projections if store.service in p.follows]
        self._wake = appended.listener()
        self._idle = idle_seconds

    async def advance(self) -> int:
        """Apply one page to every projection and return the most events one of them took."""
        return max([await self._advance_one(projection) for projection in self._projections], default=0)

    async def _advance_one(self, projection: Projection) -> int:
        async with self._store.database.transaction() as connection:
            # First the swap lock, then the row: the order in which a rebuild takes them. The row lock makes replicas
            # take turns until rows and position are committed.
            gen, _ = (await live_generations(connection))[projection.name]
            position = await connection.fetchval(
                "SELECT position FROM es.projection WHERE name = $1 AND gen = $2 FOR UPDATE", projection.name, gen
            )
            events = await self._store.read(connection, position, _PAGE)
            if events:
                await projection.apply(connection, gen, events)
                await connection.execute(
                    "UPDATE es.projection SET position = $3 WHERE name = $1 AND gen = $2",
                    projection.name, gen, events[-1].position,
                )  # fmt: skip
                failpoint("projection.before_commit")
        if events:
            failpoint("projection.after_commit")
        return len(events)

    async def run(self) -> None:
        """Follow the log until cancelled."""
        await forever("projections", self._turn)

    async def _turn(self) -> None:
        if not await self.advance():
            await wait(self._wake, self._idle)


async def forever(name: str, turn: Callable[[], Awaitable[None]]) -> None:
    """Run `turn` again and again; what passes (a restarted database, a new broker) is waited out and reported."""
    while True:
        async for attempt in stamina.retry_context(
            on=is_transient, attempts=None, timeout=None, wait_initial=0.1, wait_max=5.0
        ):
            with attempt:
                if attempt.num > 1:
                    _log.warning("retrying", role=name, attempt=attempt.num)
                await turn()
        await asyncio.sleep(0)
