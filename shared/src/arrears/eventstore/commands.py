"""Commands of people: idempotent, decided in memory, appended together with those that arrived meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from arrears.clock import Clock
from arrears.database import Connection
from arrears.eventstore.errors import StreamVersionConflict
from arrears.eventstore.store import Answered, EventStore
from arrears.eventstore.work import Work
from arrears.refusals import IdempotencyKeyReused, Overloaded
from arrears.signal import Signal

_TRIES: Final = 30  # of n callers of one stream at once, one wins each round
_GROUP: Final = 500
_QUEUE: Final = 2_000

Handler = Callable[[Work], Awaitable[Any]]
Feeds = Callable[[Connection], Awaitable[dict[tuple[str, int], datetime]]]


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The caller, the key it chose, and what the key stands for."""

    principal: str
    key: str
    fingerprint: bytes

    @staticmethod
    def of(principal: str, key: str, *request: bytes) -> IdempotencyKey:
        """Return the key with the hash of the request's parts."""
        digest = hashlib.sha256()
        for part in request:
            digest.update(len(part).to_bytes(4, "big") + part)
        return IdempotencyKey(principal, key, digest.digest())


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command returned, and the ids of the events it caused; `replayed` when the key was answered before."""

    response: Any
    event_ids: tuple[str, ...]
    replayed: bool = False


class Commands:
    """Runs commands against the log by group append.

    One coroutine appends whatever commands arrived while the previous group was committing: natural batching, no timer.
    A group that meets a conflict is done again one by one, so one caller's conflict never fails another's command.
    """

    def __init__(self, store: EventStore, clock: Clock, appended: Signal, feeds: Feeds | None = None) -> None:
        self._store = store
        self._clock = clock
        self._queue: asyncio.Queue[tuple[Work, Answered | None, asyncio.Future[int]]] = asyncio.Queue(_QUEUE)
        self._writer: asyncio.Task[None] | None = None
        self._appended = appended
        self._feeds = feeds

    @property
    def waiting(self) -> int:
        """How many commands are decided and wait for the log."""
        return self._queue.qsize()

    async def run(self, handler: Handler, idempotency: IdempotencyKey | None = None) -> Answer:
        """Decide and append; the answer is stored under the idempotency key in the same transaction.

        Raises:
            Refusal: the domain refused; nothing was appended.
            IdempotencyKeyReused: the key came with another request.
            StreamVersionConflict: the streams kept moving for several tries.
            Overloaded: too many commands wait; try again later.
        """
        for attempt in range(1, _TRIES + 1):
            if idempotency and (known := await self._answered(idempotency)):
                return known
            work = await self._work()
            response = await handler(work)
            answered = None
            if idempotency:
                answered = Answered(
                    idempotency.principal, idempotency.key, idempotency.fingerprint, msgspec.json.encode(response)
                )
            if not work.pending and answered is None:
                return Answer(response, ())
            try:
                base = await self._submit(work, answered)
            except StreamVersionConflict:
                if attempt == _TRIES:
                    raise
                continue
            ids = tuple(f"{self._store.service}/{base + i}" for i in range(1, len(work.pending) + 1))
            return Answer(response, ids)
        raise AssertionError("unreachable")

    async def _work(self) -> Work:
        work = self._store.work(self._clock.now())
        if self._feeds is not None:
            async with self._store.database.connection() as connection:
                work.feeds = await self._feeds(connection)
        return work

    async def _answered(self, wanted: IdempotencyKey) -> Answer | None:
        async with self._store.database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT fingerprint, position, events, response FROM es.command WHERE principal = $1 AND key = $2",
                wanted.principal, wanted.key,
            )  # fmt: skip
        if row is None:
            return None
        if row["fingerprint"] != wanted.fingerprint:
            raise IdempotencyKeyReused("the idempotency key was used for another request")
        ids = tuple(f"{self._store.service}/{row['position'] + i}" for i in range(row["events"]))
        return Answer(msgspec.json.decode(row["response"]), ids, replayed=True)

    async def _submit(self, work: Work, answered: Answered | None) -> int:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="group-append")
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((work, answered, done))
        except asyncio.QueueFull as error:
            raise Overloaded("too many commands wait for the log") from error
        return await done

    async def _write(self) -> None:
        while True:
            waiting = [await self._queue.get()]
            while not self._queue.empty() and len(waiting) < _GROUP:
                waiting.append(self._queue.get_nowait())
            group, keys = [], set[str]()
            for item in waiting:
                touched = {stream.ref.key for stream in item[0].touched()}
                # Two commands on one stream cannot share a call: the later expects a version that is gone by then.
                if keys & touched:
                    _fail([item], StreamVersionConflict("another command on the stream went first"))
                else:
                    keys |= touched
                    group.append(item)
            await self._append(group)

    async def _append(self, group: list[tuple[Work, Answered | None, asyncio.Future[int]]]) -> None:
        try:
            async with self._store.database.connection() as connection:
                base = await self._store.append(connection, [w for w, _, _ in group], [a for _, a, _ in group])
        except (StreamVersionConflict, asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
            # Nothing was appended, and only one of them need be at fault (a stream that moved, too large an event).
            if len(group) == 1:
                _fail(group, error)
            else:
                for item in group:
                    await self._append([item])
            return
        except Exception as error:
            _fail(group, error)
            return
        for work, _, done in group:
            if not done.done():
                done.set_result(base)
            base += len(work.pending)
        self._appended.notify()

    async def close(self) -> None:
        """Stop the writer; commands that wait are failed by their cancelled futures."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)


def _fail(group: list[tuple[Work, Answered | None, asyncio.Future[int]]], error: Exception) -> None:
    for _, _, done in group:
        if not done.done():
            done.set_exception(error)
