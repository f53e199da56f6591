"""The real parts that tests stand on: one PostgreSQL and one Kafka for the run, a fresh database for each test."""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from arrears.database import Database
from arrears.migrations import event_log_sql
from arrears_local.kafka import KafkaProcess, default_cache, start_kafka
from arrears_local.ports import free_port
from arrears_local.postgres import PostgresProcess, start_postgres

_number = itertools.count(1)
_TEMPLATE = "event_log_template"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresProcess]:
    """A private PostgreSQL server.

    Its data stay out of pytest's temporary folder: as root the server runs as another user, and the next pytest run
    closes that folder to others, under the feet of a server that still runs.
    """
    with tempfile.TemporaryDirectory(prefix="arrears-postgres-") as home:
        process = start_postgres(Path(home), free_port())
        asyncio.run(_make_template(process))
        yield process
        process.stop()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaProcess]:
    """A private Kafka broker; its jars come from the project's cache."""
    process = start_kafka(tmp_path_factory.mktemp("kafka"), free_port(), default_cache())
    yield process
    process.stop()


@pytest.fixture
async def database_url(postgres: PostgresProcess) -> AsyncIterator[str]:
    """The address of an empty event log of the test's own."""
    name = f"test_{os.getpid()}_{next(_number)}"
    admin = await asyncpg.connect(postgres.url("postgres"))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    yield postgres.url(name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on an empty event log."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder with real inputs beside the project; tests that need it are skipped where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "real").is_dir():
        pytest.skip("../shared/real is not here: tests on real inputs need it")
    return folder


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Return names that no other test uses."""
    return lambda name: f"{name}.{os.getpid()}.{next(_number)}"


async def _make_template(process: PostgresProcess) -> None:
    admin = await asyncpg.connect(process.url("postgres"))
    await admin.execute(f"CREATE DATABASE {_TEMPLATE}")
    await admin.close()
    template = await asyncpg.connect(process.url(_TEMPLATE))
    await template.execute(event_log_sql())
    await template.close()
