"""The connection to one service's database: SQLAlchemy's pool, asyncpg beneath."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

Connection = Any  # asyncpg.Connection, which ships no types

_SESSION = {"idle_in_transaction_session_timeout": "5s", "lock_timeout": "10s", "jit": "off", "timezone": "UTC"}


class Database:
    """A pool of connections to one PostgreSQL database."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        self._engine = create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={"server_settings": _SESSION, "timeout": 10},
        )

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine, for queries that read better in its language."""
        return self._engine

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Yield a pooled asyncpg connection; each statement is its own transaction."""
        async with self._engine.connect() as pooled:
            raw = await pooled.get_raw_connection()
            yield raw.driver_connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Yield a connection inside a READ COMMITTED transaction that commits when the block ends well."""
        async with self.connection() as connection, connection.transaction(isolation="read_committed"):
            yield connection

    async def session(self) -> Connection:
        """Return a connection of its own outside the pool, for session locks; the caller closes it."""
        return await asyncpg.connect(self.url, server_settings=_SESSION, timeout=10)

    async def close(self) -> None:
        """Close every pooled connection."""
        await self._engine.dispose()
