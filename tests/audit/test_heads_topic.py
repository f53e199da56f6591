"""Reading heads from the real broker: each once, from where the last transaction stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiokafka import AIOKafkaProducer
from tests.audit.logs import NOON, Auditor, Publisher
from tests.kernel.log.delivery import make_topic

from arrears.tree.heads import TreeHead, sign, to_wire
from arrears_local.kafka import KafkaProcess
from audit.adapters.heads_topic import HeadsTopic


@pytest.fixture
async def producer(kafka: KafkaProcess) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as opened:
        yield opened


async def receive(topic: HeadsTopic, wanted: int) -> int:
    found = 0
    async with asyncio.timeout(60):
        while found < wanted:
            found += await topic.receive(5_000)
    return found


async def test_heads_are_received_once_and_what_is_none_is_passed_over(
    kafka: KafkaProcess,
    producer: AIOKafkaProducer,
    auditor: Auditor,
    publisher: Publisher,
    unique: Callable[[str], str],
) -> None:
    name = await make_topic(kafka.bootstrap, unique("log.heads"), 1)
    heads = [to_wire(sign(TreeHead("ingest", size, bytes(32), NOON), publisher.key)) for size in (3, 5, 9)]
    for value in (heads[0], b"no head", heads[1], heads[0]):
        await producer.send_and_wait(name, value, key=b"ingest")
    first = HeadsTopic(kafka.bootstrap, auditor.memory, name)
    await first.start()
    try:
        assert await receive(first, 3) == 3
    finally:
        await first.stop()
    await producer.send_and_wait(name, heads[2], key=b"ingest")
    second = HeadsTopic(kafka.bootstrap, auditor.memory, name)
    await second.start()
    try:
        assert await receive(second, 1) == 1, "the reader goes on after what it has stored"
    finally:
        await second.stop()
    assert [signed.head.size for signed in await auditor.memory.pending_heads("ingest")] == [3, 5, 9]


async def test_the_ends_of_a_topic_are_known(
    kafka: KafkaProcess, producer: AIOKafkaProducer, auditor: Auditor, unique: Callable[[str], str]
) -> None:
    service = unique("ingest")
    heads, events = await make_topic(kafka.bootstrap, unique("log.heads"), 1), f"{service}.events"
    await make_topic(kafka.bootstrap, events, 2)
    await producer.send_and_wait(events, b"x", partition=1)
    topic = HeadsTopic(kafka.bootstrap, auditor.memory, heads)
    await topic.start()
    try:
        assert await topic.ends([service]) == {(events, 0): 0, (events, 1): 1}
    finally:
        await topic.stop()
