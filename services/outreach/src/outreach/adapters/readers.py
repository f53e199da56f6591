"""Questions to outreach's read models and to the inbox."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from arrears.database import Database

_CALL_LIST: Final = """SELECT c.*, b.stage, b.opened_on, b.total_overdue_minor, b.currency
    FROM read.call_list c JOIN read.case_board b USING (case_id)
    WHERE ($1::date IS NULL OR (c.planned_on, c.case_id, c.step_no) > ($1, $2, $3))
    ORDER BY c.planned_on, c.case_id, c.step_no LIMIT $4"""
_PROMISES: Final = "SELECT * FROM read.promise_board WHERE debtor_id = $1 ORDER BY promised_on DESC, promise_id"
_PARKED: Final = "SELECT EXISTS (SELECT FROM es.parked WHERE debtor_id = $1)"


async def call_list(database: Database, after: tuple[date, str, int] | None, limit: int) -> list[dict[str, Any]]:
    """Return up to `limit` pieces of work for collectors, the oldest first."""
    on, case_id, step_no = after or (None, "", 0)
    async with database.connection() as connection:
        return [dict(row) for row in await connection.fetch(_CALL_LIST, on, case_id, step_no, limit)]


async def promises_of_debtor(database: Database, debtor_id: str) -> list[dict[str, Any]]:
    """Return every promise of a debtor, the latest first."""
    async with database.connection() as connection:
        return [dict(row) for row in await connection.fetch(_PROMISES, debtor_id)]


async def facts_complete(database: Database, debtor_id: str) -> bool:
    """Say whether everything heard about the debtor is applied; a parked record makes all their facts doubtful."""
    async with database.connection() as connection:
        return not await connection.fetchval(_PARKED, debtor_id)
