"""Answers and foreign ids are kept for their time and no longer; the log is never touched."""

from __future__ import annotations

from arrears.database import Database
from arrears.housekeeping import Tidied, tidy

_OLD = """INSERT INTO es.command (principal, key, fingerprint, position, events, response, created_at)
    VALUES ('a', 'old', '', 1, 0, '', now() - interval '31 days'), ('a', 'young', '', 1, 0, '', now() - interval '29 days')"""
_IDS = """INSERT INTO es.seen_id (consumer, source, id, seen_at)
    VALUES ('c', 's', 'old', now() - interval '401 days'), ('c', 's', 'young', now() - interval '399 days')"""


async def test_what_is_past_its_time_goes_and_the_rest_stays(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(_OLD)
        await connection.execute(_IDS)
    assert await tidy(database) == Tidied(answers=1, foreign_ids=1)
    assert await tidy(database) == Tidied(answers=0, foreign_ids=0)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT key FROM es.command") == "young"
        assert await connection.fetchval("SELECT id FROM es.seen_id") == "young"
