"""The connection to one service's database: a pool of asyncpg connections.

asyncpg directly, because a unit of work is a handful of round trips and an ORM's checkout costs as much as one of them
(measured: docs/decisions/0009); SQLAlchemy serves the migrations.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

Connection = Any  # asyncpg.Connection, which ships no types

_SESSION: Final = {
    "idle_in_transaction_session_timeout": "30s",  # a batch decides in memory meanwhile
    "lock_timeout": "10s",
    "jit": "off",
    "timezone": "UTC",
    "application_name": "arrears",
}
_CLOSE_SECONDS: Final = 5.0


class Database:
    """A pool of connections to one PostgreSQL database; it connects at first use and again after the server was away."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        self._size = pool_size
        self._pool: Any = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Yield a pooled connection; each statement is its own transaction."""
        pool = self._pool or await self._open()
        async with pool.acquire(timeout=10) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Yield a connection inside a READ COMMITTED transaction that commits when the block ends well."""
        async with self.connection() as connection, connection.transaction(isolation="read_committed"):
            yield connection

    async def session(self) -> Connection:
        """Return a connection of its own outside the pool, for session locks; the caller closes it."""
        return await asyncpg.connect(self.url, server_settings=_SESSION, timeout=10)

    async def close(self) -> None:
        """Close every pooled connection; one that is still held after a while is cut, so that a process always ends."""
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), _CLOSE_SECONDS)
            except TimeoutError:
                self._pool.terminate()

    async def _open(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self.url, min_size=0, max_size=self._size, timeout=10, server_settings=_SESSION, reset=_keep
                )
        return self._pool


async def _keep(_connection: Connection) -> None:
    """No session state is ever left behind, so a returned connection needs no resetting round trip."""
