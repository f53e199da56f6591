"""A private broker: topics as designed, oversized input passes, data survive a SIGKILL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError

from arrears_local.kafka import KafkaProcess, cluster_id, start_kafka
from arrears_local.ports import free_port
from arrears_local.refusals import StartFailed
from arrears_local.topics import INPUT_MAX_MESSAGE_BYTES, create_topics, topics

PARTITIONS = 3


class Broker:
    """The running broker of this module; a test that kills it puts the restarted one here."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.process: KafkaProcess = start_kafka(home, self.port)

    @property
    def bootstrap(self) -> str:
        return self.process.bootstrap

    def crash_and_restart(self) -> None:
        self.process.kill()
        self.process = start_kafka(self.home, self.port)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    running = Broker(tmp_path_factory.mktemp("broker"))
    yield running
    running.process.stop()


async def produce(bootstrap: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=INPUT_MAX_MESSAGE_BYTES, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=b"debtor", partition=0)
    finally:
        await producer.stop()


async def read_sizes(bootstrap: str, topic: str, count: int) -> list[int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        return [len((await consumer.getone()).value or b"") for _ in range(count)]
    finally:
        await consumer.stop()


def test_a_cluster_id_has_22_characters_and_never_reads_as_an_option() -> None:
    ids = [cluster_id(f"/home/{number}") for number in range(500)]

    assert {len(found) for found in ids} == {22}
    assert not any(found.startswith("-") for found in ids)


async def test_topics_are_made_once_with_their_partitions_and_limits(broker: Broker) -> None:
    await create_topics(broker.bootstrap, PARTITIONS)
    assert await create_topics(broker.bootstrap, PARTITIONS) == []

    client = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await client.start()
    try:
        described = await client.describe_topics([topic.name for topic in topics(PARTITIONS)])
        assert {t["topic"]: len(t["partitions"]) for t in described} == {
            t.name: t.partitions for t in topics(PARTITIONS)
        }
        resource = ConfigResource(ConfigResourceType.TOPIC, "ingest.events")
        answer = (await client.describe_configs([resource]))[0].resources[0]
        values = {entry[0]: entry[1] for entry in answer[4]}
        assert (values["retention.ms"], values["max.message.bytes"]) == ("-1", "1200000")
    finally:
        await client.close()


async def test_another_partition_count_is_refused(broker: Broker) -> None:
    await create_topics(broker.bootstrap, PARTITIONS)

    with pytest.raises(StartFailed, match=r"has 3 partitions, 4 are asked for"):
        await create_topics(broker.bootstrap, PARTITIONS + 1)


def test_a_taken_port_is_refused_with_its_holder(broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=rf"port {broker.port} is taken by java \(pid {broker.process.pid}\)"):
        start_kafka(tmp_path, broker.port)


async def test_five_megabytes_pass_into_an_input_but_not_into_a_topic_of_ours(broker: Broker) -> None:
    await create_topics(broker.bootstrap, PARTITIONS)
    poison = b"x" * 5_000_000

    await produce(broker.bootstrap, "corebanking.events", poison)
    await produce(broker.bootstrap, "external-events", poison)
    with pytest.raises(MessageSizeTooLargeError):
        await produce(broker.bootstrap, "ingest.events", poison)

    assert await read_sizes(broker.bootstrap, "corebanking.events", 1) == [5_000_000]


async def test_acknowledged_records_survive_a_killed_broker(broker: Broker) -> None:
    await create_topics(broker.bootstrap, PARTITIONS)
    await produce(broker.bootstrap, "legal.events", b"acknowledged")

    broker.crash_and_restart()

    assert await read_sizes(broker.bootstrap, "legal.events", 1) == [len(b"acknowledged")]
    assert await create_topics(broker.bootstrap, PARTITIONS) == []
