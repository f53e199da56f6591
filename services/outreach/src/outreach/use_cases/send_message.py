"""ContactPermitted for a text message → it is sent, and ContactAttempted says so.

At least once: after a crash the provider is called again with the same attempt id, which it recognises. Between the
permit and the call the stream is read again, because a payment or a hold voids the permit at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from arrears.clock import Clock
from arrears.events.outreach import ContactPermitted
from arrears.eventstore.commands import Commands
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Work
from arrears.failpoints import failpoint
from arrears.recorded import Recorded
from arrears.refusals import Refusal
from outreach.domain.case_commands import NoteTry
from outreach.domain.case_state import LoanInCase, OpenCase
from outreach.domain.contact import RecordAttempt, ReleasePermit
from outreach.domain.gate import KnownPoint
from outreach.domain.messages import UnknownTemplate, text_of
from outreach.use_cases.cause import because_of
from outreach.use_cases.ports import Addresses, MessageGateway, NotSent, SendingUnsure
from outreach.use_cases.record_outcome import record_outcome
from outreach.use_cases.streams import case_of, contacts_of

_TRY_AGAIN: Final = timedelta(minutes=15)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Desk:
    """What the step works with."""

    store: EventStore
    commands: Commands
    clock: Clock
    gateway: MessageGateway
    addresses: Addresses


async def send_message(event: Recorded, desk: Desk, *, perhaps_sent: bool = False) -> None:
    """Send the permitted message, once; a permit that is over or void is left to its release.

    `perhaps_sent`: a process that died may have sent it already. Then a failure now proves nothing, and the slot is not
    given back: the provider recognises a repetition only under the same permit.
    """
    permit = event.data
    if not isinstance(permit, ContactPermitted) or permit.channel != "sms":
        return
    started_at = desk.clock.now()
    work = desk.store.work(started_at)
    contacts = await work.state(contacts_of(event.debtor_id))
    case = await work.state(case_of(event.debtor_id))
    attempt, point = contacts.attempt(permit.attempt_id), contacts.point(permit.contact_point_id)
    if attempt is None or attempt.status != "permitted" or started_at > permit.valid_until or point is None:
        return
    loans = case.loans if isinstance(case, OpenCase) else ()
    try:
        sent_as = await _send(permit, event.debtor_id, point, loans, desk)
    except (NotSent, SendingUnsure) as failure:
        if isinstance(failure, NotSent) and not perhaps_sent:
            _log.warning("message not sent", attempt=permit.attempt_id, why=str(failure))
            await _release(event, permit, failure.passing, desk)
            return
        # The slot stays taken: the permit expires, and a receipt of the carrier would still prove the sending.
        _log.warning("message perhaps sent", attempt=permit.attempt_id, why=str(failure))
    else:
        await _record(event, permit, sent_as, started_at, desk)


async def _send(
    permit: ContactPermitted, debtor_id: str, point: KnownPoint, loans: Sequence[LoanInCase], desk: Desk
) -> str:
    due = [loan.due_minor for loan in loans if loan.due_minor is not None]
    dates = [loan.as_of for loan in loans if loan.as_of is not None]
    if not due or not dates:
        raise NotSent("the case has no balance to speak of", passing=False)
    try:
        text = text_of(permit.template_id, sum(due), loans[0].currency, min(dates))
    except UnknownTemplate as error:
        raise NotSent(str(error), passing=False) from error
    to = await desk.addresses.clear(debtor_id, point)
    failpoint("provider.before_call")
    sent_as = await desk.gateway.send(to, text, permit.attempt_id, debtor_id)
    failpoint("provider.after_call")
    return sent_as


async def _record(event: Recorded, permit: ContactPermitted, sent_as: str, started_at: datetime, desk: Desk) -> None:
    outcome = RecordAttempt(
        permit.attempt_id, started_at, 0, "MSG_SENT", "none", "system", provider_ref=sent_as, demand_made=True
    )

    async def record(work: Work) -> None:
        await record_outcome(event.debtor_id, outcome, because_of(event), work)

    try:
        await desk.commands.run(record)
    except Refusal as refusal:  # a fact that the log cannot take is an alarm, never a reason to send again
        _log.error("sent message not recorded", attempt=permit.attempt_id, why=refusal.message)


async def _release(event: Recorded, permit: ContactPermitted, passing: bool, desk: Desk) -> None:
    async def release(work: Work) -> None:
        cause = because_of(event)
        command = ReleasePermit(permit.attempt_id, "provider_failed", work.now)
        released = await work.execute(contacts_of(event.debtor_id), command, cause)
        if released and permit.step_no is not None:
            again = work.now + _TRY_AGAIN if passing else None
            note = NoteTry(permit.step_no, permit.attempt_id, "released", again)
            await work.execute(case_of(event.debtor_id), note, cause)

    await desk.commands.run(release)
