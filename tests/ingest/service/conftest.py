"""Ingest over a database made by its own migrations."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.service_world import ServiceWorld, service_world

from arrears import migrations
from arrears.database import Database
from arrears_local.postgres import PostgresProcess
from ingest.entrypoints.definition import INGEST

_number = itertools.count(1)


@pytest.fixture
async def world(
    postgres: PostgresProcess, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ServiceWorld]:
    """The service over an empty log."""
    monkeypatch.setenv("ARREARS_HOME", str(tmp_path_factory.getbasetemp() / "home"))
    name = f"ingest_{os.getpid()}_{next(_number)}"
    admin = await asyncpg.connect(postgres.url("postgres"))
    await admin.execute(f"CREATE DATABASE {name}")
    await migrations.upgrade("ingest", postgres.url(name))
    database = Database(postgres.url(name))
    async with service_world(INGEST, database) as opened:
        yield opened
    await database.close()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()
