"""Questions to legal's read models."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import msgspec

from arrears.database import Database
from legal.domain.refusals import LegalCaseNotFound, NoDayClosed, ProposalNotFound
from legal.use_cases.decide_proposal import Proposal

_PROPOSAL: Final = """SELECT p.case_id, p.debtor_id, d.business_date
    FROM read.proposal_inbox p LEFT JOIN read.closed_day d USING (partition) WHERE p.approval_id = $1"""
_PROPOSALS: Final = """SELECT * FROM read.proposal_inbox WHERE status = $1
    AND ($2::date IS NULL OR (valid_until, approval_id) > ($2, $3)) ORDER BY valid_until, approval_id LIMIT $4"""


async def proposal(database: Database, approval_id: str) -> Proposal:
    """Return where a proposal stands in the log, and which day has closed for its debtor.

    Raises:
        ProposalNotFound: no proposal has this id.
        NoDayClosed: legal has heard of no closed day for the debtor's partition.
    """
    async with database.connection() as connection:
        row = await connection.fetchrow(_PROPOSAL, approval_id)
    if row is None or row["case_id"] is None:
        raise ProposalNotFound("there is no proposal with this id", approval_id=approval_id)
    if row["business_date"] is None:
        raise NoDayClosed("no business day has closed yet, so nobody can say what is owed", approval_id=approval_id)
    return Proposal(approval_id, row["case_id"], row["debtor_id"], row["business_date"])


async def proposals(
    database: Database, status: str, after: tuple[date, str] | None, limit: int
) -> list[dict[str, Any]]:
    """Return up to `limit` proposals, those that expire first at the top."""
    last_on, last_id = after or (None, "")
    async with database.connection() as connection:
        rows = await connection.fetch(_PROPOSALS, status, last_on, last_id, limit)
    found = []
    for row in rows:
        granted = row["granted_by"]
        words = {name: (row[name] or "").split() for name in ("loan_ids", "reasons", "roles")}
        found.append({**row, **words, "granted_by": msgspec.json.decode(granted)})
    return found


async def legal_case(database: Database, legal_case_id: str) -> dict[str, Any]:
    """Return a legal case's row of the board.

    Raises:
        LegalCaseNotFound: no case has this id.
    """
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM read.legal_board WHERE legal_case_id = $1", legal_case_id)
    if row is None:
        raise LegalCaseNotFound("there is no legal case with this id", legal_case_id=legal_case_id)
    return {**row, "loan_ids": (row["loan_ids"] or "").split(), "approved_by": (row["approved_by"] or "").split()}
