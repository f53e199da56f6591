"""The relay: publishes one service's log to its topic, in order, at least once.

L0 no gap: a visible position has no invisible one before it (the log's lock). L1 no loss: the cursor moves only after
the acknowledgement of everything up to it. L2 no reorder: a record is put on a partition only after all its
predecessors were put there at least once, since each producer starts at a cursor below which all is acknowledged and
stops at its first failure. So two relays at once, or a paused one, add only duplicates, which consumers see by version.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer

from arrears.clock import Clock, tell_jumps
from arrears.eventstore.store import EventStore
from arrears.failpoints import failpoint
from arrears.followers import forever
from arrears.kafka.cloudevents import Heartbeat, headers_of, heartbeat_record
from arrears.signal import Signal, wait
from arrears.telemetry import send_span

_CHUNK: Final = 8_000
_HEARTBEAT_SECONDS: Final = 10.0
_NAME: Final = "relay"
_log = structlog.get_logger()


class Relay:
    """Publishes the log of one service; of several replicas one leads, for economy and not for safety."""

    def __init__(
        self,
        store: EventStore,
        bootstrap: str,
        clock: Clock,
        appended: Signal,
        idle_seconds: float,
        topic: str | None = None,
    ) -> None:
        self._store = store
        self._bootstrap = bootstrap
        self._clock = clock
        self._wake = appended.listener()
        self._idle = idle_seconds
        self.topic = topic or f"{store.service}.events"
        self._position = 0
        self._beaten = 0.0
        self._beaten_at: Any = None

    async def run(self) -> None:
        """Publish until cancelled."""
        await forever(f"{self._store.service}-relay", self._lead)

    async def _lead(self) -> None:
        session = await self._store.database.session()
        try:
            while not await session.fetchval("SELECT pg_try_advisory_lock(hashtext('es.relay'))"):  # noqa: ASYNC110
                await asyncio.sleep(1)
            await self._publish(session)
        finally:
            await session.close()

    async def _publish(self, session: Any) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, acks="all", enable_idempotence=True, max_batch_size=256 * 1024,
            max_request_size=2 * 1024 * 1024, linger_ms=2, request_timeout_ms=20_000,
        )  # fmt: skip
        jumps = asyncio.create_task(tell_jumps(self._clock, self._wake), name="relay-jumps")
        try:
            await producer.start()
            await session.execute("INSERT INTO es.follower (name) VALUES ($1) ON CONFLICT DO NOTHING", _NAME)
            self._position = await session.fetchval("SELECT position FROM es.follower WHERE name = $1", _NAME)
            while True:
                rows = await self._store.read_rows(session, self._position, _CHUNK)
                if rows:
                    await self._send(producer, rows)
                    failpoint("relay.after_ack")
                    await self._checkpoint(session, rows[-1]["position"])
                await self._beat(producer, len(rows) < _CHUNK)
                if not rows:
                    await wait(self._wake, self._idle)
        finally:
            jumps.cancel()
            await producer.stop()

    async def _send(self, producer: Any, rows: Sequence[Any]) -> None:
        """Send the rows in order and return when the broker has acknowledged them all.

        Records go as one batch a partition: a future for each of thousands of records would cost more than the sending.
        """
        failpoint("relay.before_produce")
        source, batches, sent, traced = self._store.service, dict[int, Any](), [], []
        for position, key, version, debtor, part, name, schema, occurred, recorded, data, meta in rows:
            header = headers_of(source, position, key, version, debtor, name, schema, occurred, recorded, meta)
            if header[-1][0] == "traceparent":
                traced.append(header[-1][1])
            batch = batches.get(part) or batches.setdefault(part, producer.create_batch())
            if batch.append(timestamp=None, key=debtor.encode(), value=data, headers=header) is None:
                sent.append(await producer.send_batch(batch, self.topic, partition=part))
                batches[part] = batch = producer.create_batch()
                batch.append(timestamp=None, key=debtor.encode(), value=data, headers=header)
        with send_span(self.topic, len(rows), traced):
            for part, batch in batches.items():
                sent.append(await producer.send_batch(batch, self.topic, partition=part))
            await asyncio.gather(*sent)

    async def _checkpoint(self, session: Any, position: int) -> None:
        await session.execute(
            "UPDATE es.follower SET position = greatest(position, $2) WHERE name = $1", _NAME, position
        )
        self._position = position
        failpoint("relay.after_checkpoint")

    async def _beat(self, producer: Any, caught_up: bool) -> None:
        """Tell every partition how far the log is and what the clock says: after ten seconds, or when the clock jumped."""
        now = self._clock.now()
        jumped = self._beaten_at is None or (now - self._beaten_at).total_seconds() > 2 * _HEARTBEAT_SECONDS
        if not caught_up or (time.monotonic() - self._beaten < _HEARTBEAT_SECONDS and not jumped):
            return
        value, headers = heartbeat_record(Heartbeat(source=self._store.service, position=self._position, at=now))
        futures = [
            await producer.send(self.topic, value=value, partition=part, headers=headers)
            for part in range(self._store.partitions)
        ]
        await asyncio.gather(*futures)
        self._beaten, self._beaten_at = time.monotonic(), now
