"""Find loans by payment reference in our own read model, once it has caught up with the log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from arrears.database import Connection, Database
from arrears.refusals import Overloaded
from ingest.use_cases.ports import LoanAddress

_NAME: Final = "payment_reference"
_TRIES: Final = 200
_PAUSE_SECONDS: Final = 0.025
_LAST: Final = "SELECT coalesce(max(position), 0) FROM es.event"
_REACHED: Final = "SELECT position >= $2 FROM es.projection WHERE name = $1 AND status = 'live'"


class PaymentReferences:
    """The read model as a lookup."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, references: Iterable[str]) -> Mapping[str, Sequence[LoanAddress]]:
        """Return the loans that carry each reference.

        Raises:
            Overloaded: the read model is seconds behind the log; a payment might be called unmatched wrongly.
        """
        async with self._database.connection() as connection:
            await _caught_up(connection)
            rows = await connection.fetch(
                "SELECT reference, loan_id, debtor_id FROM read.payment_reference WHERE reference = ANY($1::text[])",
                sorted(references),
            )
        found: dict[str, list[LoanAddress]] = {}
        for row in rows:
            found.setdefault(row["reference"], []).append(LoanAddress(row["loan_id"], row["debtor_id"]))
        return found


async def _caught_up(connection: Connection) -> None:
    last = await connection.fetchval(_LAST)
    for _ in range(_TRIES):
        if await connection.fetchval(_REACHED, _NAME, last):
            return
        await asyncio.sleep(_PAUSE_SECONDS)
    raise Overloaded("the table of payment references is behind the log", retry_after_seconds=5)
