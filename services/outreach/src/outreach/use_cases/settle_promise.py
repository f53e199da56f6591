"""RepaymentReceived, RepaymentReversed → the loan's promise is matched with the money."""

from __future__ import annotations

from arrears.events.ingest import RepaymentReceived, RepaymentReversed
from arrears.eventstore.work import Work
from arrears.recorded import Recorded
from outreach.domain.promise import MatchRepayment, UnmatchRepayment
from outreach.use_cases.cause import because_of
from outreach.use_cases.change_promise import change_promise
from outreach.use_cases.streams import home_day


async def settle_promise(event: Recorded, work: Work) -> None:
    """Count a repayment towards the promise by its value date; the full amount keeps it at once."""
    paid = event.data
    assert isinstance(paid, RepaymentReceived)
    known_on = home_day(event.occurred_at)
    command = MatchRepayment(paid.repayment_id, paid.amount_minor, paid.value_on, known_on)
    await change_promise(paid.loan_id, event.debtor_id, command, because_of(event), work, on=known_on)


async def unsettle_promise(event: Recorded, work: Work) -> None:
    """Take a repayment back that counted; a kept promise may fall open or be broken by it."""
    back = event.data
    assert isinstance(back, RepaymentReversed)
    known_on = home_day(event.occurred_at)
    command = UnmatchRepayment(back.repayment_id, known_on)
    await change_promise(back.loan_id, event.debtor_id, command, because_of(event), work, on=known_on)
