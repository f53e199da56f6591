"""The real parts that benchmarks run on: a private PostgreSQL and Kafka, removed afterwards."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from arrears import migrations
from arrears.database import Database
from arrears.migrations import event_log_sql
from arrears_local.kafka import KafkaProcess, default_cache, start_kafka
from arrears_local.ports import free_port
from arrears_local.postgres import PostgresProcess, start_postgres

PARTITIONS: Final = 24
_number = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Parts:
    """A database server and a broker of the benchmark's own."""

    postgres: PostgresProcess
    kafka: KafkaProcess

    @asynccontextmanager
    async def database(self, service: str = "") -> AsyncIterator[Database]:
        """Yield a fresh database: a bare event log, or with `service` all of that service's tables."""
        name = f"bench_{next(_number)}"
        await self._admin(f"CREATE DATABASE {name}")
        url = self.postgres.url(name)
        if service:
            await migrations.upgrade(service, url)
        else:
            connection = await asyncpg.connect(url)
            await connection.execute(event_log_sql())
            await connection.close()
        opened = Database(url)
        yield opened
        await opened.close()
        await self._admin(f"DROP DATABASE {name} WITH (FORCE)")

    async def topic(self, name: str, partitions: int = PARTITIONS) -> str:
        """Create a topic with a name of its own and return the name."""
        unique = f"{name}.{next(_number)}"
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
        try:
            await admin.start()
            await admin.create_topics([NewTopic(unique, partitions, 1)])
        finally:
            await admin.close()
        return unique

    async def _admin(self, statement: str) -> None:
        connection = await asyncpg.connect(self.postgres.url("postgres"))
        await connection.execute(statement)
        await connection.close()


@contextmanager
def parts() -> Iterator[Parts]:
    """Start the parts and stop them at the end."""
    with tempfile.TemporaryDirectory(prefix="arrears-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        postgres = start_postgres(home / "postgres", free_port())
        try:
            kafka = start_kafka(home / "kafka", free_port(), default_cache())
            try:
                yield Parts(postgres, kafka)
            finally:
                kafka.stop()
        finally:
            postgres.stop()
