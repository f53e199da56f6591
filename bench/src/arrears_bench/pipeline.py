"""`pipeline`: core-banking record → ingest's decision and log → published → outreach's read model, all in one process.

Beside it, in the same run: the raw chain (consume, COPY of the same rows, produce, along the same way) that no system of
this kind can beat, and a plain consumer that does the same work with one transaction a message.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from arrears.clock import SystemClock
from arrears.eventstore.store import EventStore
from arrears.kafka.consumer import Consumer
from arrears.kafka.inbox import Inbox
from arrears.kafka.relay import Relay
from arrears.kafka.sources import own_topic
from arrears.projections import ensure_live
from arrears.signal import Signal, wait
from arrears.timeline import timeline
from arrears_bench.parts import PARTITIONS, Parts
from arrears_bench.pipeline_load import Told, bookings, repayments
from arrears_bench.pipeline_plain import plain_rate
from arrears_bench.pipeline_raw import raw_rate
from arrears_bench.report import Report, middle, paired
from arrears_local.simulator.bank import CoreBanking
from arrears_local.topics import create_topics
from ingest.entrypoints.definition import INGEST
from ingest.use_cases.told import NATIVE_TOPIC

LOANS: Final = int(os.environ.get("ARREARS_BENCH_LOANS", "20000"))
RECORDS: Final = int(os.environ.get("ARREARS_BENCH_RECORDS", "60000"))
ROUNDS: Final = 3
PLAIN_RECORDS: Final = 600


class Chain:
    """Ingest and outreach in one process on two databases, joined by the real topics."""

    def __init__(self, ingest: Any, outreach: Any, bootstrap: str) -> None:
        clock = SystemClock()
        self.book = EventStore("ingest", ingest, partitions=PARTITIONS, deciders=INGEST.deciders)
        self.cases = EventStore("outreach", outreach, partitions=PARTITIONS, deciders=[])
        sources = [s for s in INGEST.sources if s.topic == NATIVE_TOPIC]
        self.decided, self.shown = Signal(), Signal()
        self._ingest = Inbox("ingest", self.book, sources, INGEST.subscriptions, ())
        self._outreach = Inbox("outreach", self.cases, [own_topic("ingest")], (), [timeline("ingest")])
        self._clock, self._bootstrap = clock, bootstrap
        self._runs = 0

    def _roles(self) -> tuple[Coroutine[Any, Any, None], ...]:
        clock, bootstrap = self._clock, self._bootstrap
        return (
            Consumer(self._ingest, (), clock, self.decided, bootstrap, "bench").run(),
            Relay(self.book, bootstrap, clock, self.decided, 0.5).run(),
            Consumer(self._outreach, (), clock, self.shown, bootstrap, "bench").run(),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the three roles inside the block."""
        self._runs += 1
        tasks = [asyncio.create_task(role) for role in self._roles()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    async def logged(self) -> int:
        """Return how many events ingest has appended."""
        async with self.book.database.connection() as connection:
            return int(await connection.fetchval("SELECT coalesce(max(position), 0) FROM es.event"))

    async def shown_events(self) -> int:
        """Return how many events outreach has projected."""
        async with self.cases.database.connection() as connection:
            return int(await connection.fetchval("SELECT coalesce(sum(version), 0) FROM es.seen_version"))

    async def taken(self) -> int:
        """Return how many core-banking records ingest has applied."""
        async with self.book.database.connection() as connection:
            query = "SELECT coalesce(sum(next_offset), 0) FROM es.consumer_offset WHERE topic = $1"
            return int(await connection.fetchval(query, NATIVE_TOPIC))

    async def measure(self, publish: Callable[[], Awaitable[None]], records: int) -> tuple[float, int]:
        """Return events a second, and events, from the moment ingest may begin until outreach shows all of them.

        The roles run and hold their partitions while `publish` sends the records; a lock on ingest's offsets keeps it
        from beginning before they are all there.
        """
        before, upto = await self.logged(), await self.taken() + records
        decided, shown = self.decided.listener(), self.shown.listener()
        async with self.running():
            while not await self._joined():
                await wait(shown, 0.1)
            async with self.book.database.transaction() as connection:
                await connection.execute("SELECT FROM es.consumer_offset FOR UPDATE")
                await publish()
            begun = time.perf_counter()
            while await self.taken() < upto:
                await wait(decided, 0.1)
            last = await self.logged()
            while await self.shown_events() < last:
                await wait(shown, 0.1)
            return (last - before) / (time.perf_counter() - begun), last - before

    async def _joined(self) -> bool:
        """Say whether both consumers hold their partitions in this run."""
        held = []
        for store in (self.book, self.cases):
            async with store.database.connection() as connection:
                query = "SELECT count(*) FROM es.consumer_offset WHERE epoch >= $1"
                held.append(await connection.fetchval(query, self._runs))
        return held == [PARTITIONS, PARTITIONS]


async def run(parts: Parts) -> Report:
    """Measure the chain, the raw chain and the plain consumer, round by round."""
    ours, raw, plain = [], [], []
    await create_topics(parts.kafka.bootstrap, PARTITIONS)
    async with parts.database("ingest") as ingest, parts.database("outreach") as outreach:
        await ensure_live(outreach, [timeline("ingest")])
        chain = Chain(ingest, outreach, parts.kafka.bootstrap)
        async with AIOKafkaProducer(bootstrap_servers=parts.kafka.bootstrap, acks="all", linger_ms=5) as producer:
            bank = CoreBanking(producer)

            async def publish(told: list[Told]) -> None:
                await bank.publish(told, SystemClock().now())

            booked, events = await chain.measure(partial(publish, bookings(LOANS)), LOANS)
            raw_booked = events / LOANS * await raw_rate(parts, ingest, outreach, LOANS, events)
            for number in range(ROUNDS):
                rate, events = await chain.measure(partial(publish, repayments(number, RECORDS, LOANS)), RECORDS)
                ours.append(rate)
                each = events / RECORDS
                raw.append(each * await raw_rate(parts, ingest, outreach, RECORDS, events))
                others = repayments(1_000 + number, PLAIN_RECORDS, LOANS)
                plain.append(each * await plain_rate(parts, ingest, outreach, others, round(each * PLAIN_RECORDS)))
    return Report(
        name="pipeline",
        figures={
            "events_per_s": middle(ours),
            "raw_events_per_s": middle(raw),
            "plain_events_per_s": middle(plain),
            "bookings_events_per_s": round(booked, 1),
            "bookings_raw_events_per_s": round(raw_booked, 1),
        },
        ratios={"raw": paired(ours, raw), "plain": paired(ours, plain), "bookings_raw": round(booked / raw_booked, 3)},
        limited_by=(
            "one Python core, which is busy throughout: of a repayment with its two events a third goes to decoding and "
            "encoding what comes from and goes to Kafka, a quarter to the read model's end, a fifth to the ledger, the "
            "rest to states, append and dedupe; the broker and the database share the other core"
        ),
    )
