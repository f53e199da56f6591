"""The questions that pages ask of the read models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from arrears.database import Database
from console.domain.entry import StoredEvent

_DEBTORS: Final = """SELECT d.debtor_id, d.customer_ref, d.source,
      coalesce(l.loans, 0) AS loans, l.worst, l.dpd, coalesce(l.owed, '{}') AS owed, coalesce(l.currencies, '{}') AS currencies,
      c.status, c.legal
    FROM read.debtors d
    LEFT JOIN LATERAL (
      SELECT sum(loans)::int AS loans, max(bucket) AS worst, max(dpd) AS dpd,
        array_agg(owed ORDER BY currency) AS owed, array_agg(currency ORDER BY currency) AS currencies
      FROM (SELECT currency, count(*) AS loans, max(bucket) AS bucket, max(days_past_due) AS dpd,
              coalesce(sum(payoff_minor), 0)::bigint AS owed
            FROM read.loans WHERE debtor_id = d.debtor_id GROUP BY currency) per_currency
    ) l ON true
    LEFT JOIN LATERAL (SELECT status, legal FROM read.cases WHERE debtor_id = d.debtor_id
                       ORDER BY opened_at DESC NULLS LAST LIMIT 1) c ON true
    WHERE ($1::text IS NULL OR (d.customer_ref, d.debtor_id) > ($1, $2))
      AND ($3 = '' OR d.debtor_id LIKE $4 OR d.customer_ref LIKE $4
           OR d.debtor_id IN (SELECT debtor_id FROM read.loans WHERE external_ref LIKE $4 OR loan_id LIKE $4))
    ORDER BY d.customer_ref, d.debtor_id LIMIT $5"""

# Two services may speak in the same instant: then by the way that a debt takes, and within a service by position.
_RANK: Final = "array_position('{ingest,scoring,outreach,legal,audit}'::text[], source)"

_ENTRIES: Final = """SELECT event_id, debtor_id, source, type, schema_version, stream_key, occurred_at, recorded_at,
      effective_on, causation, actor, data FROM read.timeline
    WHERE debtor_id = $1 AND ($2 = '' OR source = $2)
      AND ($3::timestamptz IS NULL OR (occurred_at, recorded_at, {rank}, position) {compare} ($3, $4,
        array_position('{{ingest,scoring,outreach,legal,audit}}'::text[], $5::text), $6::bigint))
    ORDER BY occurred_at {order}, recorded_at {order}, {rank} {order}, position {order} LIMIT $7"""

Place = tuple[datetime, datetime, str]
"""Where a line stands: event time, record time, event id."""


@dataclass(frozen=True, slots=True)
class DebtorLine:
    """One row of the list of debtors."""

    debtor_id: str
    customer_ref: str
    source: str
    loans: int
    bucket: str
    days_past_due: int
    owed: tuple[tuple[int, str], ...]
    case_status: str
    legal: str


@dataclass(frozen=True, slots=True)
class LoanLine:
    """One loan in the head of a debtor's page."""

    loan_id: str
    external_ref: str
    product: str
    currency: str
    bucket: str
    days_past_due: int
    payoff_minor: int


class Questions:
    """Reads the console's read models; nothing here changes anything."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def debtors(self, search: str, after: tuple[str, str] | None, limit: int) -> list[DebtorLine]:
        """Return debtors by customer reference; `search` is the beginning of a debtor, customer or loan reference."""
        ref, debtor = after or (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(_DEBTORS, ref, debtor, search, _beginning(search), limit)
        return [
            DebtorLine(
                r["debtor_id"], r["customer_ref"], r["source"], r["loans"], r["worst"] or "", r["dpd"] or 0,
                tuple(zip(r["owed"], r["currencies"], strict=True)), r["status"] or "", r["legal"] or "",
            )
            for r in rows
        ]  # fmt: skip

    async def debtor(self, debtor_id: str) -> Any | None:
        """Return reference, source and zone of a debtor, None when no event of such a debtor was heard."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow("SELECT * FROM read.debtors WHERE debtor_id = $1", debtor_id)
            if row is not None:
                return {"customer_ref": row["customer_ref"], "zone": row["zone"]}
            heard = await connection.fetchval(
                "SELECT EXISTS (SELECT FROM read.timeline WHERE debtor_id = $1)", debtor_id
            )
        return {"customer_ref": "", "zone": ""} if heard else None

    async def loans(self, debtor_id: str) -> list[LoanLine]:
        """Return a debtor's loans, the latest first in arrears."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT * FROM read.loans WHERE debtor_id = $1 ORDER BY days_past_due DESC NULLS LAST, external_ref LIMIT 50",
                debtor_id,
            )
        return [
            LoanLine(
                r["loan_id"], r["external_ref"] or r["loan_id"][:8], r["product"] or "", r["currency"] or "",
                r["bucket"] or "", r["days_past_due"] or 0, r["payoff_minor"] or 0,
            )
            for r in rows
        ]  # fmt: skip

    async def counts(self, debtor_id: str) -> dict[str, int]:
        """Return how many events each service has about a debtor."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT source, count(*) AS events FROM read.timeline WHERE debtor_id = $1 GROUP BY source", debtor_id
            )
        return {row["source"]: row["events"] for row in rows}

    async def entries(
        self, debtor_id: str, service: str, start: Place | None, *, newest_first: bool, limit: int
    ) -> list[StoredEvent]:
        """Return events of a debtor from `start` (included) on."""
        compare, order = ("<=", "DESC") if newest_first else (">=", "ASC")
        query = _ENTRIES.format(rank=_RANK, compare=compare, order=order)
        at, recorded, event_id = start or (None, None, "")
        source, _, position = event_id.partition("/")
        async with self._database.connection() as connection:
            rows = await connection.fetch(query, debtor_id, service, at, recorded, source, int(position or 0), limit)
        return [StoredEvent(*row) for row in rows]

    async def places(self, debtor_id: str, event_ids: Sequence[str]) -> dict[str, tuple[Place, str]]:
        """Return where events of a debtor stand, and their types; ids of others are left out."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT event_id, occurred_at, recorded_at, type FROM read.timeline "
                "WHERE event_id = ANY($1::text[]) AND debtor_id = $2",
                list(event_ids), debtor_id,
            )  # fmt: skip
        return {r["event_id"]: ((r["occurred_at"], r["recorded_at"], r["event_id"]), r["type"]) for r in rows}


def _beginning(search: str) -> str:
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped + "%"
