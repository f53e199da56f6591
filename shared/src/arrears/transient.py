"""Which errors pass by themselves: a database or broker that restarts, a connection that breaks, a lost race."""

from __future__ import annotations

from typing import Final

import asyncpg
from aiokafka.errors import KafkaError

from arrears.eventstore.errors import StreamVersionConflict

_PASSING: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a statement sent in the moment in which the server dies ("cannot switch to state")
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    KafkaError,
    StreamVersionConflict,
    OSError,
    TimeoutError,
)


def is_transient(error: BaseException) -> bool:
    """Say whether trying again later may help without anybody changing anything."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_transient(one) for one in error.exceptions)
    return isinstance(error, _PASSING)
