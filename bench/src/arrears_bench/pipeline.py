"""`pipeline`: core-banking record → ingest's decision and log → published → outreach's read model, all in one process.

Beside it, in the same run: the raw chain (consume, COPY of as many rows of the same bytes, produce) that no system of
this kind can beat, and a plain consumer that does the same work with one transaction a message.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from arrears_local.simulator.bank import CoreBanking
from arrears_local.topics import create_topics

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
from arrears_bench.pipeline_load import bookings, repayments
from arrears_bench.pipeline_plain import plain_rate
from arrears_bench.pipeline_raw import raw_rate
from arrears_bench.report import Report, middle, paired
from ingest.entrypoints.definition import INGEST
from ingest.use_cases.told import NATIVE_TOPIC

LOANS: Final = int(os.environ.get("ARREARS_BENCH_LOANS", "3000"))
RECORDS: Final = int(os.environ.get("ARREARS_BENCH_RECORDS", "15000"))
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

    async def measure(self, expected: int) -> float:
        """Return events a second from ingest's first commit until outreach shows all `expected` events."""
        before = await self.logged()
        decided, shown = self.decided.listener(), self.shown.listener()
        async with self.running():
            while (first := await self.logged()) == before:
                await wait(decided, 0.05)
            begun = time.perf_counter()
            while await self.shown_events() < expected:
                await wait(shown, 0.1)
            return (expected - first) / (time.perf_counter() - begun)


async def run(parts: Parts) -> Report:
    """Measure the chain, the raw chain and the plain consumer, round by round."""
    ours, raw, plain = [], [], []
    await create_topics(parts.kafka.bootstrap, PARTITIONS)
    async with parts.database("ingest") as ingest, parts.database("outreach") as outreach:
        await ensure_live(outreach, [timeline("ingest")])
        chain = Chain(ingest, outreach, parts.kafka.bootstrap)
        async with AIOKafkaProducer(bootstrap_servers=parts.kafka.bootstrap, acks="all", linger_ms=5) as producer:
            bank = CoreBanking(producer)
            await bank.publish(bookings(LOANS), SystemClock().now())
            expected = await _settle(chain, LOANS)
            for number in range(ROUNDS):
                records = repayments(number, RECORDS, LOANS)
                await bank.publish(records, SystemClock().now())
                expected += 2 * RECORDS
                ours.append(await chain.measure(expected))
                raw.append(2 * await raw_rate(parts, ingest, RECORDS))
                plain.append(2 * await plain_rate(parts, ingest, outreach, records[:PLAIN_RECORDS]))
    return Report(
        name="pipeline",
        figures={"events_per_s": middle(ours), "raw_events_per_s": middle(raw), "plain_events_per_s": middle(plain)},
        ratios={"raw": paired(ours, raw), "plain": paired(ours, plain)},
        limited_by="one Python core: the broker's and the database's work runs on the other",
    )


async def _settle(chain: Chain, loans: int) -> int:
    """Let the bookings flow through, untimed, and return how many events that made."""
    listener = chain.shown.listener()
    async with chain.running():
        while True:
            async with chain.book.database.connection() as connection:
                booked = await connection.fetchval("SELECT count(*) FROM es.event WHERE type = 'LoanImported'")
            logged = await chain.logged()
            if booked == loans and await chain.shown_events() == logged:
                return logged
            await wait(listener, 0.2)
