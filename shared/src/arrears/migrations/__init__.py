"""alembic owns every table; each service can be migrated alone."""

from __future__ import annotations

import asyncio
import importlib.resources
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.util import await_


def configuration(service: str) -> Config:
    """Return alembic's configuration of a service: the kernel's environment, the service's versions."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    versions = importlib.resources.files(service) / "migrations" / "versions"
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "os")
    return config


def event_log_sql() -> str:
    """Return the tables and functions of the event log."""
    return (importlib.resources.files("arrears.eventstore") / "schema.sql").read_text()


def create_event_log(op: Any) -> None:
    """Create the event log, in a service's first migration."""
    execute_script(op, event_log_sql())


def execute_script(op: Any, sql: str) -> None:
    """Execute several statements at once: the driver's prepared statements hold one command each."""
    await_(op.get_bind().connection.dbapi_connection.driver_connection.execute(sql))


async def upgrade(service: str, database_url: str) -> None:
    """Bring a service's database to the newest version; two processes at once take turns."""
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    config = configuration(service)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('arrears.migrate'))"))
            await connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            await connection.run_sync(_upgrade, config)
    finally:
        await engine.dispose()


def _upgrade(connection: Any, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")


async def pending(service: str, database_url: str) -> list[str]:
    """Return the versions that the service's database still lacks."""
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    script = ScriptDirectory.from_config(configuration(service))
    try:
        async with engine.connect() as connection:
            applied = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_heads())
    finally:
        await engine.dispose()
    known = {revision.revision for revision in script.iterate_revisions(applied, "base")} if applied else set()
    return [r.revision for r in script.walk_revisions() if r.revision not in known]


def run(service: str, database_url: str) -> None:
    """Upgrade from a synchronous entrypoint."""
    asyncio.run(upgrade(service, database_url))
