"""The topics of the system, created explicitly: the broker never creates one by itself."""

from __future__ import annotations

from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from arrears_local.refusals import DependencyDown, StartFailed

# A published value is at most 900,000 bytes (the kernel refuses more); the rest is headers and record overhead.
OWN_MAX_MESSAGE_BYTES = 1_200_000
# Inputs come from others: an oversized message must reach us, to be parked with its reason.
INPUT_MAX_MESSAGE_BYTES = 8_000_000
FINERACT_PARTITIONS = 10
DEFAULT_PARTITIONS = 24
TOPIC_ALREADY_EXISTS = 36


@dataclass(frozen=True)
class Topic:
    name: str
    partitions: int
    max_message_bytes: int


def topics(partitions: int = DEFAULT_PARTITIONS) -> tuple[Topic, ...]:
    """One topic a publisher, all with the same partition count (key = debtor id), plus inputs, requests and heads."""
    own = ("ingest.events", "scoring.events", "outreach.events", "legal.events", "audit.events", "corebanking.requests")
    return (
        *(Topic(name, partitions, OWN_MAX_MESSAGE_BYTES) for name in own),
        Topic("corebanking.events", partitions, INPUT_MAX_MESSAGE_BYTES),
        Topic("external-events", FINERACT_PARTITIONS, INPUT_MAX_MESSAGE_BYTES),
        Topic("log.heads", 1, OWN_MAX_MESSAGE_BYTES),
    )


async def create_topics(bootstrap: str, partitions: int = DEFAULT_PARTITIONS) -> list[str]:
    """Create what is missing and return its names; refuse a topic whose partition count differs, because a changed
    count would send a debtor's events to two partitions."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=30_000)
    try:
        await client.start()
        existing = await _partition_counts(client)
        _refuse_other_counts(existing, partitions)
        brokers = len((await client.describe_cluster())["brokers"])
        missing = [topic for topic in topics(partitions) if topic.name not in existing]
        if missing:
            await _create(client, missing, replication=min(3, brokers))
        return [topic.name for topic in missing]
    except (KafkaError, OSError) as error:
        raise DependencyDown(
            f"the broker at {bootstrap} refused to create topics: {error!r}", "check ARREARS_KAFKA, or its log"
        ) from error
    finally:
        await client.close()


async def _partition_counts(client: AIOKafkaAdminClient) -> dict[str, int]:
    described = await client.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


def _refuse_other_counts(existing: dict[str, int], partitions: int) -> None:
    for topic in topics(partitions):
        found = existing.get(topic.name, topic.partitions)
        if found != topic.partitions:
            raise StartFailed(
                f"topic {topic.name} has {found} partitions, {topic.partitions} are asked for",
                f"set ARREARS_PARTITIONS={found} as before, or remove the data with `arrears down --wipe`",
            )


async def _create(client: AIOKafkaAdminClient, missing: list[Topic], replication: int) -> None:
    wanted = [
        NewTopic(
            name=topic.name,
            num_partitions=topic.partitions,
            replication_factor=replication,
            topic_configs={"retention.ms": "-1", "max.message.bytes": str(topic.max_message_bytes)},
        )
        for topic in missing
    ]
    answer = await client.create_topics(wanted)
    for name, code, *rest in answer.topic_errors:
        if code not in (0, TOPIC_ALREADY_EXISTS):
            raise DependencyDown(f"topic {name} was not created: error {code} {rest}", "see the broker's log")
