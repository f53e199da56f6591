"""A private PostgreSQL 18: one database a service, durable through a SIGKILL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from arrears_local.ports import free_port
from arrears_local.postgres import DATABASES, PostgresProcess, create_databases, start_postgres
from arrears_local.refusals import StartFailed


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresProcess]:
    process = start_postgres(tmp_path, free_port())
    yield process
    process.stop()


async def ask(url: str, query: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval(query))
    finally:
        await connection.close()


async def test_each_service_has_a_database_and_durability_is_on(server: PostgresProcess) -> None:
    assert [await ask(server.url(name), "SELECT current_database()") for name in DATABASES] == list(DATABASES)
    assert await create_databases(server.url("postgres")) == []
    assert (await ask(server.url("ingest"), "SHOW server_version")).startswith("18.")
    shown = [await ask(server.url("ingest"), f"SHOW {name}") for name in ("fsync", "synchronous_commit", "jit")]
    assert shown == ["on", "on", "off"]


async def test_committed_rows_survive_a_killed_server(tmp_path: Path) -> None:
    port = free_port()
    first = start_postgres(tmp_path, port)
    await ask(first.url("ingest"), "CREATE TABLE kept AS SELECT 7 AS n")
    first.kill()

    second = start_postgres(tmp_path, port)
    try:
        assert await ask(second.url("ingest"), "SELECT n FROM kept") == "7"
    finally:
        second.stop()


def test_a_taken_port_ends_the_start_with_the_servers_words(server: PostgresProcess, tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=r"could not bind IPv4 address|Address already in use"):
        start_postgres(tmp_path / "second", server.port)
