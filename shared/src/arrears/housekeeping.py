"""What need not be kept for ever: answers to commands, and ids of foreign records long past any redelivery.

The log is never touched. Times here are the database's real time, whatever clock the domain lives by.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from arrears.database import Database
from arrears.followers import forever

# The idempotency draft leaves the time to the server; a caller that repeats after a month is making a new request.
ANSWERS_KEPT: Final = timedelta(days=30)
# Core banking re-sends from its own outbox, at the latest when a year is re-opened; domain references dedupe beyond that.
FOREIGN_IDS_KEPT: Final = timedelta(days=400)
_EVERY_SECONDS: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many rows went."""

    answers: int
    foreign_ids: int


async def tidy(database: Database) -> Tidied:
    """Delete what is older than its time."""
    async with database.connection() as connection:
        answers = await connection.execute(
            "DELETE FROM es.command WHERE created_at < now() - $1::interval", ANSWERS_KEPT
        )
        ids = await connection.execute("DELETE FROM es.seen_id WHERE seen_at < now() - $1::interval", FOREIGN_IDS_KEPT)
    return Tidied(_count(answers), _count(ids))


async def keep_tidy(database: Database) -> None:
    """Tidy every hour until cancelled."""

    async def turn() -> None:
        await tidy(database)
        await asyncio.sleep(_EVERY_SECONDS)

    await forever("housekeeping", turn)


def _count(status: str) -> int:
    return int(status.removeprefix("DELETE "))
