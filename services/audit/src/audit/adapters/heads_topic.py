"""`log.heads` as audit reads it: without a consumer group, from the offset that its own tables hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from arrears.tree.heads import TOPIC, SignedHead, UnreadableHead, from_wire
from audit.adapters.memory import PostgresMemory

_log = structlog.get_logger("audit.heads")


class HeadsTopic:
    """A reader of heads; also knows where topics end."""

    def __init__(self, bootstrap: str, memory: PostgresMemory, topic: str = TOPIC) -> None:
        self._memory = memory
        self._topic = topic
        self._bootstrap = bootstrap
        self._known: dict[str, list[int]] = {}
        self._kafka: Any = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)

    async def start(self) -> None:
        """Connect and go to where the last transaction stopped."""
        await self._kafka.start()
        known = await self._memory.head_offsets()
        parts = await self._partitions([self._topic])
        self._kafka.assign(parts)
        for part in parts:
            self._kafka.seek(part, known.get(part.partition, 0))

    async def stop(self) -> None:
        """Disconnect."""
        await self._kafka.stop()

    async def receive(self, timeout_ms: int) -> int:
        """Store the heads that have arrived and return how many; a record that is no head is passed over, in the log."""
        found = await self._kafka.getmany(timeout_ms=timeout_ms, max_records=2_000)
        heads, after = list[SignedHead](), dict[int, int]()
        for part, records in found.items():
            after[part.partition] = records[-1].offset + 1
            for record in records:
                try:
                    heads.append(from_wire(record.value or b""))
                except UnreadableHead as error:
                    _log.warning("no head", partition=record.partition, offset=record.offset, error=str(error))
        if after:
            await self._memory.receive_heads(heads, after)
        return len(heads)

    async def ends(self, services: Collection[str]) -> Mapping[tuple[str, int], int]:
        """Return where each partition of the services' topics ends now."""
        found = await self._kafka.end_offsets(await self._partitions([f"{service}.events" for service in services]))
        return {(part.topic, part.partition): end for part, end in found.items()}

    async def _partitions(self, topics: Collection[str]) -> list[TopicPartition]:
        """Return the partitions of topics; they are asked for once, since their count never changes."""
        if unknown := sorted(set(topics) - self._known.keys()):
            admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
            await admin.start()
            try:
                for found in await admin.describe_topics(unknown):
                    self._known[found["topic"]] = sorted(part["partition"] for part in found["partitions"])
            finally:
                await admin.close()
        return [TopicPartition(topic, part) for topic in topics for part in self._known[topic]]
