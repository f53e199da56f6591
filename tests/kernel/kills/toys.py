"""Two tiny services as real processes: core banking → ingest → outreach → a provider. `python -m tests.kernel.kills.toys ingest serve`

ingest charges each fee that core banking posts. outreach hears of each fee, waits for an instant that has come (timers),
calls a provider (reaction), and tallies both logs. Every kernel role runs, and so every failpoint is passed.
"""

from __future__ import annotations

import os
import sys

from tests.kernel.log.delivery import HEARD, SUMS, hear, heard
from tests.kernel.log.runtimes import TALLIES
from tests.kernel.log.sleepers import SLEEPERS, Sleep, sleeper, wake_up
from tests.kernel.log.toy import CAUSE, FEES, Charge, fees

from arrears.events.corebanking import FeePosted
from arrears.events.ingest import FeeCharged
from arrears.events.outreach import LoanJoinedCase
from arrears.eventstore.work import Cause, Work
from arrears.failpoints import failpoint
from arrears.kafka.cloudevents import from_foreign
from arrears.kafka.sources import Source, Subscription, own_topic
from arrears.reactions import Reaction
from arrears.recorded import Recorded
from arrears.runtime import Runtime, ServiceDefinition
from arrears.service import main
from arrears.wakes import InstantRule

CORE_BANKING = "corebanking.events"


async def charge(event: Recorded, work: Work) -> None:
    fee = event.data
    assert isinstance(fee, FeePosted)
    await work.execute(fees(fee.loan_ref), Charge(fee.loan_ref, fee.amount_minor), Cause.of(event, CAUSE.actor))


async def hear_and_wait(event: Recorded, work: Work) -> None:
    await hear(event, work)
    assert isinstance(event.data, FeeCharged)
    ref = sleeper(f"{event.data.loan_id}/{event.data.fee_id}", event.debtor_id)
    await work.execute(ref, Sleep(ref.id, event.recorded_at), Cause.of(event, CAUSE.actor))


async def call_provider(event: Recorded, runtime: Runtime) -> None:
    """Send the event's id as the key by which the provider knows a repetition."""
    failpoint("provider.before_call")
    answer = await runtime.http.post(os.environ["TOY_PROVIDER"], json={"key": event.event_id, "of": event.debtor_id})
    answer.raise_for_status()
    failpoint("provider.after_call")


INGEST = ServiceDefinition(
    name="ingest",
    title="Toy publisher",
    deciders=[FEES],
    sources=[Source(CORE_BANKING, lambda r: (from_foreign(r, "corebanking"),), versioned=False)],
    subscriptions=[Subscription(FeePosted, charge, lambda e: (fees(e.data.loan_ref),))],  # type: ignore[attr-defined]
    projections=[SUMS],
)
OUTREACH = ServiceDefinition(
    name="outreach",
    title="Toy subscriber",
    deciders=[HEARD, SLEEPERS],
    sources=[own_topic("ingest")],
    subscriptions=[
        Subscription(FeeCharged, hear_and_wait, lambda e: (heard(e.data.loan_id, e.debtor_id),))  # type: ignore[attr-defined]
    ],
    instant_rules=[InstantRule(SLEEPERS, wake_up)],
    projections=[TALLIES],
    reactions=[Reaction("provider", (LoanJoinedCase,), call_provider)],
)
DEFINITIONS = {"ingest": INGEST, "outreach": OUTREACH}

if __name__ == "__main__":
    sys.exit(main(DEFINITIONS[sys.argv[1]], sys.argv[2:]))
