"""A business day closes → promises whose last day it was are judged."""

from __future__ import annotations

from arrears.eventstore.work import Work
from arrears.wakes import Wake
from outreach.domain.promise import EvaluatePromise
from outreach.use_cases.cause import because_of_time
from outreach.use_cases.change_promise import change_promise


async def evaluate_promises(wake: Wake, work: Work) -> None:
    """Judge the promise about loan `wake.ref_id` at the close of `wake.on`."""
    assert wake.on is not None
    command = EvaluatePromise(wake.on)
    await change_promise(wake.ref_id, wake.debtor_id, command, because_of_time(), work, on=wake.on)
