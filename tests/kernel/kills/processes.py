"""The toy services as processes beside a broker and a database of their own, all of which a test may kill."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from fastapi import FastAPI, Request
from tests.kernel.kills.toys import CORE_BANKING, DEFINITIONS
from tests.kernel.log.delivery import PARTITIONS

from arrears.migrations import event_log_sql
from arrears.testing.servers import serving
from arrears_local.kafka import KafkaProcess, default_cache, start_kafka
from arrears_local.launch import Launch, log_tail, spawn_async
from arrears_local.ports import free_port
from arrears_local.postgres import PostgresProcess, start_postgres

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Service:
    """One service's process, started again whenever it dies as it was told to."""

    name: str
    home: Path
    environment: Mapping[str, str]
    starts: int = 0
    deaths: list[str] = field(default_factory=list)
    process: Any = None

    async def start(self, failpoint: str = "") -> None:
        self.starts += 1
        environment = {
            **self.environment,
            "ARREARS_FAILPOINT": failpoint,
            "ARREARS_FAILPOINT_LOG": str(self.hits),
            "ARREARS_INSTANCE": f"toy-{self.name}",
        }
        argv = (sys.executable, "-m", "tests.kernel.kills.toys", self.name, "serve")
        self.process = await spawn_async(Launch(self.name, argv, self._log, environment, ROOT))

    async def die_at(self, failpoints: Sequence[str]) -> None:
        """Start it to die at each of the failpoints in turn, and at last to live."""
        for failpoint in failpoints:
            await self.start(failpoint)
            try:
                async with asyncio.timeout(120):
                    code = await self.process.wait()
            except TimeoutError:
                raise AssertionError(f"{self.name} did not reach {failpoint}:\n{self.last_words()}") from None
            assert code == -signal.SIGKILL, f"{self.name} ended with {code} before {failpoint}:\n{self.last_words()}"
            self.deaths.append(failpoint)
        await self.start()

    async def live(self) -> None:
        """Start it unless it runs."""
        if self.process is None or self.process.returncode is not None:
            await self.start()

    def alive(self) -> None:
        """Raise unless the process that was started last still runs."""
        code = self.process.returncode
        assert code is None, f"{self.name} ended by itself with {code}:\n{self.last_words()}"

    def last_words(self) -> str:
        return log_tail(self._log, 70)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    @property
    def hits(self) -> Path:
        return self.home / "hits"

    @property
    def _log(self) -> Path:
        return self.home / "log" / f"{self.name}.log"


@dataclass
class Provider:
    """What the provider was asked, in the order in which it was asked."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    def app(self, _url: str) -> FastAPI:
        app = FastAPI()

        @app.post("/")
        async def ask(request: Request) -> dict[str, str]:
            body = await request.json()
            self.asked.append((body["of"], body["key"]))
            return {}

        return app


@dataclass
class Town:
    """Everything that may be killed."""

    home: Path
    kafka: KafkaProcess
    postgres: PostgresProcess
    environment: dict[str, str]
    provider: Provider
    services: dict[str, Service] = field(default_factory=dict)

    def database(self, service: str) -> str:
        return self.postgres.url(service)

    def hits(self) -> set[str]:
        """Return every failpoint that any process has passed."""
        return {file.name for file in (self.home / "hits").iterdir()}

    def kill_broker(self) -> None:
        """End the broker with SIGKILL and start it again over its data."""
        port = int(self.kafka.bootstrap.rpartition(":")[2])
        self.kafka.kill()
        self.kafka = start_kafka(self.home / "kafka", port, default_cache())

    def kill_database(self) -> None:
        """End the database server with SIGKILL and start it again over its data."""
        self.postgres.kill()
        self.postgres = start_postgres(self.home / "postgres", self.postgres.port)


@asynccontextmanager
async def town(home: Path) -> AsyncIterator[Town]:
    """Yield broker, database and provider, with the services' topics and logs, and no service running."""
    kafka = await asyncio.to_thread(start_kafka, home / "kafka", free_port(), default_cache())
    postgres = await asyncio.to_thread(start_postgres, home / "postgres", free_port())
    provider = Provider()
    async with serving(provider.app) as url:
        environment = {
            "ARREARS_KAFKA": kafka.bootstrap,
            "ARREARS_DATABASE_URL": postgres.url_template,
            "ARREARS_PARTITIONS": str(PARTITIONS),
            "ARREARS_HOME": str(home),
            "ARREARS_CONSUMER_BATCH": "20",
            "ARREARS_INGEST_PORT": str(free_port()),
            "ARREARS_OUTREACH_PORT": str(free_port()),
            "TOY_PROVIDER": f"{url}/",
        }
        found = Town(home, kafka, postgres, environment, provider)
        await _make_topics(kafka.bootstrap)
        for name in DEFINITIONS:
            await _make_log(postgres.url(name))
            found.services[name] = Service(name, home, environment)
        try:
            yield found
        finally:
            for service in found.services.values():
                await service.stop()
    found.kafka.stop()
    found.postgres.stop()


async def _make_topics(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    names = (CORE_BANKING, "ingest.events", "outreach.events", "log.heads")
    await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    await admin.close()


async def _make_log(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(event_log_sql())
    await connection.close()
