"""The raw chain: the pipeline's bytes along the pipeline's way, and nothing else.

Consume the records, COPY the rows of the events they led to, produce those with their headers; consume them again, COPY
the rows of the read model. No decision, no state, no dedupe, no order across restarts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from arrears.database import Database
from arrears.kafka.cloudevents import headers_of
from arrears_bench.parts import PARTITIONS, Parts

_BATCH: Final = 4_000
_LOGGED: Final = """SELECT e.*, s.key, s.debtor_id, s.part FROM es.event e JOIN es.stream s ON s.no = e.stream_no
    ORDER BY position DESC LIMIT $1"""
_SHOWN: Final = "SELECT * FROM read.timeline ORDER BY position DESC LIMIT $1"


async def raw_rate(parts: Parts, ingest: Database, outreach: Database, records: int, events: int) -> float:
    """Return records a second, from the first record consumed until the last row of the read model is there.

    Both ends work at once in one process, over the newest `records` records of the input topic and the `events` events
    that they led to.
    """
    topic = await parts.topic("raw.events")
    logged = await _rows(ingest, "es.event", _LOGGED, events)
    shown = await _rows(outreach, "read.timeline", _SHOWN, events)
    bootstrap = parts.kafka.bootstrap
    async with (
        _from_newest(bootstrap, "corebanking.events", records) as (source, taken),
        _from_newest(bootstrap, topic, 0) as (published, _),
        AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer,
    ):
        begun = time.perf_counter()
        await asyncio.gather(
            _log_and_send(ingest, source, taken, logged, producer, topic), _show(outreach, published, shown)
        )
        return taken / (time.perf_counter() - begun)


async def _rows(database: Database, like: str, query: str, events: int) -> list[Any]:
    async with database.connection() as connection:
        await connection.execute("DROP TABLE IF EXISTS raw_row")
        await connection.execute(f"CREATE TABLE raw_row (LIKE {like} INCLUDING ALL)")
        rows: list[Any] = await connection.fetch(query, events)
        return rows


@asynccontextmanager
async def _from_newest(bootstrap: str, topic: str, records: int) -> AsyncIterator[tuple[Any, int]]:
    """Yield a consumer of every partition that stands before the newest `records`, and how many there are."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="none", enable_auto_commit=False)
    async with consumer:
        places = [TopicPartition(topic, part) for part in range(PARTITIONS)]
        consumer.assign(places)
        ends, each = await consumer.end_offsets(places), records // PARTITIONS
        for place in places:
            consumer.seek(place, max(0, ends[place] - each))
        yield consumer, sum(min(ends[place], each) for place in places)


async def _log_and_send(
    ingest: Database, source: Any, records: int, rows: list[Any], producer: Any, topic: str
) -> None:
    done, events = 0, len(rows)
    while done < records:
        count = await _taken(source)
        some = rows[done * events // records : (done + count) * events // records]
        async with ingest.connection() as connection:
            await connection.copy_records_to_table("raw_row", records=[tuple(row)[:9] for row in some])
        await _send(producer, topic, some)
        done += count


async def _show(outreach: Database, published: Any, rows: list[Any]) -> None:
    done = 0
    while done < len(rows):
        count = await _taken(published)
        async with outreach.connection() as connection:
            await connection.copy_records_to_table("raw_row", records=map(tuple, rows[done : done + count]))
        done += count


async def _taken(consumer: Any) -> int:
    found = await consumer.getmany(timeout_ms=1_000, max_records=_BATCH)
    return sum(len(some) for some in found.values())


async def _send(producer: Any, topic: str, rows: list[Any]) -> None:
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
