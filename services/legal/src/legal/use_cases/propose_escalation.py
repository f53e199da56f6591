"""EscalationRecommended (target legal) → a proposal that two people must approve."""

from __future__ import annotations

from arrears.events.scoring import EscalationRecommended
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from legal.domain.debt import ReferDebt, debt_of
from legal.domain.legal_case import ProposeEscalation, legal_case_of
from legal.use_cases.cause import because_of


async def propose_escalation(event: Recorded, work: Work) -> None:
    """Open a proposal, unless one is open or decided, or the debt has been cured since the advice was given.

    The proposal's first day is the effective date of the advice; advice without one counts from its UTC date.
    """
    advice = event.data
    assert isinstance(advice, EscalationRecommended)
    debt = await work.state(debt_of(event.debtor_id))
    if advice.target != "legal" or all(loan_id in debt.cured for loan_id in advice.loan_ids):
        return
    on = event.meta.effective_on or event.occurred_at.date()
    command = ProposeEscalation(
        case_id=advice.case_id, loan_ids=advice.loan_ids, currency=advice.currency,
        expected_net_minor=advice.expected_net_minor, cost_minor=advice.cost_minor, reasons=advice.reasons, on=on,
    )  # fmt: skip
    cause = because_of(event)
    if await work.execute(legal_case_of(advice.case_id, event.debtor_id), command, cause, effective_on=on):
        await work.execute(debt_of(event.debtor_id), ReferDebt(advice.case_id), cause, effective_on=on)
