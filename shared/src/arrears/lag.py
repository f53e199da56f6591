"""How far a service is behind: one function for the command line, the routes, the metrics and the tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from arrears.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Lag:
    """Records not yet consumed by topic, events not yet taken by each follower, streams due, keys parked.

    `stale_feeds` counts partitions of publishers that have not been heard up to the present time of the clock.
    """

    service: str
    head: int
    topics: dict[str, int]
    followers: dict[str, int]
    due_instants: int
    stale_feeds: int
    parked: int

    @property
    def total(self) -> int:
        """Everything that is still to do; 0 means the service stands still until something new happens."""
        return sum(self.topics.values()) + sum(self.followers.values()) + self.due_instants + self.stale_feeds


class LagMeter:
    """Measures a service's lag with one long-lived Kafka client that is no member of any group."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._kafka: Any = None

    async def measure(self) -> Lag:
        """Return the lag now."""
        runtime = self._runtime
        ends = await self._ends()
        async with runtime.database.connection() as connection:
            head = await connection.fetchval("SELECT coalesce(max(position), 0) FROM es.event")
            offsets = await connection.fetch(
                "SELECT topic, part, next_offset FROM es.consumer_offset WHERE consumer = $1", runtime.service
            )
            followers = {
                r["name"]: r["position"]
                for r in await connection.fetch("SELECT name, position FROM es.follower WHERE name <> 'log.heads'")
            }
            followers |= {
                f"projection {r['name']}": r["position"]
                for r in await connection.fetch("SELECT name, position FROM es.projection WHERE status = 'live'")
                if self._is_own(r["name"])
            }
            due = await connection.fetchval("SELECT count(*) FROM es.stream WHERE wake_at <= $1", runtime.clock.now())
            stale = await runtime.inbox.feeds_behind(connection, runtime.clock.now())
            parked = await connection.fetchval("SELECT count(*) FROM es.parked")
        at = {(r["topic"], r["part"]): r["next_offset"] for r in offsets}
        topics: dict[str, int] = {}
        for tp, end in ends.items():
            topics[tp.topic] = topics.get(tp.topic, 0) + max(0, end - at.get((tp.topic, tp.partition), 0))
        behind = {name: head - position for name, position in followers.items()}
        return Lag(runtime.service, head, topics, behind, due, stale, parked)

    def _is_own(self, projection: str) -> bool:
        runtime = self._runtime
        return any(p.name == projection and runtime.service in p.follows for p in runtime.definition.projections)

    async def _ends(self) -> dict[TopicPartition, int]:
        topics = [source.topic for source in self._runtime.definition.sources]
        if not topics:
            return {}
        if self._kafka is None:
            kafka = AIOKafkaConsumer(bootstrap_servers=self._runtime.settings.kafka)
            await kafka.start()
            self._kafka = kafka
        partitions = []
        for topic in topics:
            known = self._kafka.partitions_for_topic(topic)
            if known is None:
                await self._kafka._client.force_metadata_update()
                known = self._kafka.partitions_for_topic(topic) or set()
            partitions += [TopicPartition(topic, part) for part in known]
        ends: dict[TopicPartition, int] = await self._kafka.end_offsets(partitions)
        return ends

    async def close(self) -> None:
        """Leave the broker."""
        if self._kafka is not None:
            await self._kafka.stop()
