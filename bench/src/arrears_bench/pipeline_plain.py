"""The plain consumer: aiokafka and SQLAlchemy, one transaction a message, as a careful tutorial would have it."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from arrears.clock import SystemClock
from arrears.database import Database
from arrears.events.registry import encode, type_of
from arrears.kafka.cloudevents import from_foreign
from arrears.kafka.consumer import raw_record
from arrears.values.identity import loan_id
from arrears_bench.parts import Parts
from arrears_bench.pipeline_load import Told
from arrears_local.simulator.bank import CoreBanking
from ingest.domain.loan import LOAN
from ingest.domain.loan_commands import PostRepayment

_STATE = msgspec.msgpack.Decoder(LOAN.state_type)
_TABLES = """CREATE TABLE IF NOT EXISTS plain_inbox (id text PRIMARY KEY);
CREATE TABLE IF NOT EXISTS plain_state AS SELECT key, version, state FROM es.stream WHERE kind = 'loan';
CREATE UNIQUE INDEX IF NOT EXISTS plain_state_key ON plain_state (key);
CREATE TABLE IF NOT EXISTS plain_event (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text, version int, type text,
  data bytea, UNIQUE (key, version));"""
_SHOWN = "CREATE TABLE IF NOT EXISTS plain_timeline (key text, version int, type text, data bytea, PRIMARY KEY (key, version))"


async def plain_rate(parts: Parts, ingest: Database, outreach: Database, records: list[Told], events: int) -> float:
    """Return records a second through both plain consumers, one after the other in one process."""
    source, published = await parts.topic("plain.corebanking", 1), await parts.topic("plain.events", 1)
    async with ingest.connection() as connection:
        await connection.execute(_TABLES)
        await connection.execute("TRUNCATE plain_inbox")
    async with outreach.connection() as connection:
        await connection.execute(_SHOWN)
    left, right = _engine(ingest.url), _engine(outreach.url)
    bootstrap = parts.kafka.bootstrap
    try:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
            await CoreBanking(producer, topic=source).publish(records, SystemClock().now())
            begun = time.perf_counter()
            await _consume(bootstrap, source, len(records), lambda r: _decide(left, producer, published, r))
            await _consume(bootstrap, published, events, lambda r: _show(right, r))
            return len(records) / (time.perf_counter() - begun)
    finally:
        await left.dispose()
        await right.dispose()


def _engine(url: str) -> AsyncEngine:
    return create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))


async def _consume(bootstrap: str, topic: str, count: int, handle: Any) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    async with consumer:
        consumer.assign([TopicPartition(topic, 0)])
        for _ in range(count):
            await handle(await consumer.getone())


async def _decide(engine: AsyncEngine, producer: Any, topic: str, record: Any) -> None:
    event = from_foreign(raw_record(record), "corebanking")
    data: Any = event.data
    async with engine.begin() as connection:
        done = await connection.execute(
            text("INSERT INTO plain_inbox VALUES (:id) ON CONFLICT DO NOTHING RETURNING id"), {"id": event.event_id}
        )
        if done.first() is None:
            return
        key = f"loan/{loan_id('default', 'corebanking', data.loan_ref)}"
        row = (await connection.execute(text(_SELECT), {"key": key})).one()
        state = _STATE.decode(row.state)
        events = LOAN.decide(_command(data, event), state)
        for number, one in enumerate(events, start=1):
            state = LOAN.evolve(state, one)
            await connection.execute(
                text("INSERT INTO plain_event (key, version, type, data) VALUES (:key, :version, :type, :data)"),
                {"key": row.key, "version": row.version + number, "type": type_of(type(one)).name, "data": encode(one)},
            )
        await connection.execute(
            text("UPDATE plain_state SET version = :version, state = :state WHERE key = :key"),
            {"key": row.key, "version": row.version + len(events), "state": msgspec.msgpack.encode(state)},
        )
    for number, one in enumerate(events, start=1):
        place = f"{row.key}|{row.version + number}|{type_of(type(one)).name}"
        await producer.send_and_wait(topic, encode(one), key=place.encode())


_SELECT = "SELECT key, version, state FROM plain_state WHERE key = :key FOR UPDATE"


def _command(data: Any, event: Any) -> PostRepayment:
    return PostRepayment(
        posting_ref=data.posting_ref, txn=data.posting_ref, amount_minor=data.amount_minor, currency=data.currency,
        value_on=data.value_on, received_at=event.occurred_at, known_on=event.occurred_at.date(), channel=data.channel,
        payer_kind=data.payer_kind,
    )  # fmt: skip


async def _show(engine: AsyncEngine, record: Any) -> None:
    key, version, name = record.key.decode().split("|")
    async with engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO plain_timeline VALUES (:key, :version, :type, :data) ON CONFLICT DO NOTHING"),
            {"key": key, "version": int(version), "type": name, "data": record.value},
        )
