"""At the close of a business day: every loan that waits for a day up to it reminds, falls overdue, or ages."""

from __future__ import annotations

from arrears.decider import StreamRef
from arrears.eventstore.work import Cause, Work
from arrears.recorded import Actor
from arrears.wakes import DayRule, Wake
from ingest.domain.loan import LOAN
from ingest.domain.loan_commands import AgeLoan


async def age_loan(wake: Wake, work: Work) -> None:
    """Account for the close of `wake.on` in one loan."""
    assert wake.on is not None
    loan = StreamRef(LOAN, wake.ref_id, wake.debtor_id)
    cause = Cause(Actor(kind="system", id="business-day"), correlation=f"business-day/{wake.on}")
    await work.execute(loan, AgeLoan(wake.on), cause, effective_on=wake.on)


AGE_LOANS = DayRule(LOAN, age_loan)
