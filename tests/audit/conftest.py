"""A publisher and an auditor, each with a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
from tests.audit.logs import Auditor, Publisher
from tests.kernel.log.toy import FEES

from arrears.database import Database
from arrears.eventstore.store import EventStore
from arrears.migrations import upgrade
from arrears.projections import ensure_live
from arrears_local.postgres import PostgresProcess
from audit.projections.copy import COPY


@pytest.fixture
def publisher(database: Database, tmp_path: Path) -> Publisher:
    return Publisher(EventStore("ingest", database, partitions=4, deciders=[FEES]), tmp_path)


@pytest.fixture(scope="session")
async def template(postgres: PostgresProcess) -> str:
    """A database of audit, migrated as in production, to copy."""
    admin = await asyncpg.connect(postgres.url("postgres"))
    await admin.execute("CREATE DATABASE audit_template")
    await admin.close()
    await upgrade("audit", postgres.url("audit_template"))
    return "audit_template"


@pytest.fixture
async def audit_url(postgres: PostgresProcess, template: str, unique: Callable[[str], str]) -> AsyncIterator[str]:
    """The address of audit's database."""
    name = unique("audit").replace(".", "_")
    admin = await asyncpg.connect(postgres.url("postgres"))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield postgres.url(name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def auditor(audit_url: str, tmp_path: Path) -> AsyncIterator[Auditor]:
    database = Database(audit_url)
    await ensure_live(database, [COPY])
    yield Auditor(database, tmp_path)
    await database.close()
