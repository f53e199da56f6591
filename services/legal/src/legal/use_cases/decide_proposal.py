"""HTTP → one person's grant or refusal; the last grant needed escalates the debt in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from arrears.eventstore.work import Cause, Work
from legal.domain.debt import claim_of, debt_of
from legal.domain.legal_case import GrantEscalation, RefuseEscalation, legal_case_of
from legal.use_cases.end_case import release_if_ended

_NEXT_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where a proposal stands in the log, and the last business day that has closed for its debtor."""

    approval_id: str
    case_id: str
    debtor_id: str
    last_closed: date

    @property
    def today(self) -> date:
        """The business date that is open now: the day after the last closed one."""
        return self.last_closed + _NEXT_DAY


@dataclass(frozen=True, slots=True)
class Person:
    """Who decides."""

    subject: str
    roles: frozenset[str]


async def grant_escalation(proposal: Proposal, person: Person, cause: Cause, work: Work) -> dict[str, Any]:
    """Count the person's grant; the claim is what legal has seen as of the last closed day.

    Raises:
        Refusal: as `legal.domain.legal_case.decide` says.
    """
    case_ref = legal_case_of(proposal.case_id, proposal.debtor_id)
    case, debt = await work.state(case_ref), await work.state(debt_of(proposal.debtor_id))
    command = GrantEscalation(
        proposal.approval_id, person.subject, person.roles, proposal.today,
        claim_of(debt, case.loan_ids, proposal.last_closed),
    )  # fmt: skip
    await work.execute(case_ref, command, cause, effective_on=proposal.today)
    return await _answer(proposal, work)


async def refuse_escalation(
    proposal: Proposal, person: Person, reason: str, cause: Cause, work: Work
) -> dict[str, Any]:
    """End the proposal.

    Raises:
        Refusal: as `legal.domain.legal_case.decide` says.
    """
    case_ref = legal_case_of(proposal.case_id, proposal.debtor_id)
    command = RefuseEscalation(proposal.approval_id, person.subject, person.roles, reason, proposal.today)
    await work.execute(case_ref, command, cause, effective_on=proposal.today)
    await release_if_ended(proposal.case_id, proposal.debtor_id, cause, work)
    return await _answer(proposal, work)


async def _answer(proposal: Proposal, work: Work) -> dict[str, Any]:
    case = await work.state(legal_case_of(proposal.case_id, proposal.debtor_id))
    approval = case.approval
    return {
        "approval_id": proposal.approval_id,
        "status": approval.status if approval else "open",
        "granted_by": list(approval.granted_by) if approval else [],
        "approvals_needed": approval.needed if approval else 0,
        "legal_case_id": case.legal_case_id if case.status == "escalated" else None,
    }
