"""Questions to the read model of treatments."""

from __future__ import annotations

from typing import Any

from arrears.database import Database


async def assessment_row(database: Database, debtor_id: str) -> dict[str, Any] | None:
    """Return the debtor's row of the board, None when the debtor was never overdue here."""
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM read.treatment_board WHERE debtor_id = $1", debtor_id)
    return None if row is None else dict(row)
