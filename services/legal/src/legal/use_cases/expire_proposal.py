"""Timer: the last day of a proposal closed and too few people decided."""

from __future__ import annotations

from arrears.eventstore.work import Work
from arrears.wakes import Wake
from legal.domain.legal_case import ExpireProposal, legal_case_of
from legal.use_cases.cause import because_of_the_day
from legal.use_cases.end_case import release_if_ended


async def expire_proposal(wake: Wake, work: Work) -> None:
    """Let the proposal expire at the close of business day `wake.on`."""
    assert wake.on is not None
    cause = because_of_the_day()
    ref = legal_case_of(wake.ref_id, wake.debtor_id)
    await work.execute(ref, ExpireProposal(wake.on), cause, effective_on=wake.on)
    await release_if_ended(wake.ref_id, wake.debtor_id, cause, work)
