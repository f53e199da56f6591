"""The raw chain: consume, COPY rows of the same bytes, produce. No decision, no dedupe, no order across restarts."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from arrears.database import Database
from arrears.kafka.cloudevents import headers_of
from arrears_bench.parts import PARTITIONS, Parts

_BATCH: Final = 4_000


async def raw_rate(parts: Parts, ingest: Database, records: int, events: int) -> float:
    """Return records a second of the raw chain over the newest `records` records of the input topic.

    It consumes each record, copies the rows of the events it led to, and produces them with their headers.
    """
    topic = await parts.topic("raw.events")
    async with ingest.connection() as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS raw_event (LIKE es.event INCLUDING ALL)")
        await connection.execute("TRUNCATE raw_event")
        rows = await connection.fetch(
            "SELECT e.*, s.key, s.debtor_id, s.part FROM es.event e JOIN es.stream s ON s.no = e.stream_no "
            "ORDER BY position DESC LIMIT $1",
            events,
        )  # fmt: skip
    consumer = AIOKafkaConsumer(
        bootstrap_servers=parts.kafka.bootstrap, auto_offset_reset="none", enable_auto_commit=False
    )
    async with (
        consumer,
        AIOKafkaProducer(bootstrap_servers=parts.kafka.bootstrap, acks="all", enable_idempotence=True) as producer,
    ):
        places = [TopicPartition("corebanking.events", part) for part in range(PARTITIONS)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        for place in places:
            consumer.seek(place, max(0, ends[place] - records // PARTITIONS))
        wanted = sum(min(ends[place], records // PARTITIONS) for place in places)
        begun, done = time.perf_counter(), 0
        while done < wanted:
            found = await consumer.getmany(timeout_ms=1_000, max_records=_BATCH)
            count = sum(len(some) for some in found.values())
            await _copy_and_send(
                ingest, producer, topic, rows[done * events // wanted : (done + count) * events // wanted]
            )
            done += count
        return done / (time.perf_counter() - begun)


async def _copy_and_send(ingest: Database, producer: Any, topic: str, rows: list[Any]) -> None:
    async with ingest.connection() as connection:
        await connection.copy_records_to_table("raw_event", records=[tuple(row)[:9] for row in rows])
    batches: dict[int, Any] = {}
    for row in rows:
        headers = headers_of(
            "ingest", row["position"], row["key"], row["version"], row["debtor_id"], row["type"], row["schema_version"],
            row["occurred_at"], row["recorded_at"], row["meta"],
        )  # fmt: skip
        batch = batches.setdefault(row["part"], producer.create_batch())
        while batch.append(timestamp=None, key=row["debtor_id"].encode(), value=row["data"], headers=headers) is None:
            await producer.send_batch(batch, topic, partition=row["part"])
            batch = batches[row["part"]] = producer.create_batch()
    await asyncio.gather(*[await producer.send_batch(batch, topic, partition=part) for part, batch in batches.items()])
