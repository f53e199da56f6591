"""Ask the gate: for a collector who is about to call, and for a planned message whose hour has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arrears.events.outreach import ContactBlocked, ContactPermitted
from arrears.events.scoring import ContactChannel
from arrears.eventstore.work import Cause, Work
from arrears.values.identity import derived_id
from arrears.wakes import Wake
from outreach.domain.case_commands import NoteTry
from outreach.domain.case_state import CaseState, OpenCase, Step
from outreach.domain.contact import RequestContact, verdict_on
from outreach.domain.gate import ContactRequest, Purpose, Verdict
from outreach.domain.pack import HOUSE_PACK, Pack
from outreach.domain.steps import choose_point, retry_at
from outreach.use_cases.cause import SYSTEM, because_of_time
from outreach.use_cases.streams import case_of, contacts_of


@dataclass(frozen=True, slots=True)
class Wish:
    """A contact that a person wants to make; without a contact point the debtor's own first one is taken.

    `facts_complete` is False while something of the person waits unapplied, which makes every balance stale.
    """

    attempt_id: str
    debtor_id: str
    channel: ContactChannel
    requested_by: str
    contact_point_id: str = ""
    purpose: Purpose = "collection"
    template_id: str = ""
    step_no: int | None = None
    facts_complete: bool = True


async def preview_contact(wish: Wish, work: Work, pack: Pack = HOUSE_PACK) -> Verdict:
    """Return what the gate would say now; nothing is reserved or kept."""
    return verdict_on(await _question(wish, work, pack), await work.state(contacts_of(wish.debtor_id)))


async def request_contact(
    wish: Wish, cause: Cause, work: Work, pack: Pack = HOUSE_PACK
) -> ContactPermitted | ContactBlocked:
    """Ask the gate and keep its answer; a permit must be used within its minute."""
    question = await _question(wish, work, pack)
    (answer,) = await work.execute(contacts_of(wish.debtor_id), question, cause)
    assert isinstance(answer, ContactPermitted | ContactBlocked)
    return answer


async def try_steps(wake: Wake, work: Work) -> None:
    """Ask the gate for every message of the case whose hour has come, and plan another try where time may help."""
    case: Any = await work.state(case_of(wake.debtor_id))
    steps = case.treatment.steps if isinstance(case, OpenCase) and case.treatment else ()
    for step in steps:
        if step.pending and step.try_at is not None and step.try_at <= work.now:
            await _try(step, wake.debtor_id, work)


async def _try(step: Step, debtor_id: str, work: Work) -> None:
    case = await work.state(case_of(debtor_id))
    attempt_id = derived_id("attempt", case.case_id, case.treatment.treatment_id, str(step.no), str(step.tries))
    request = ContactRequest(
        attempt_id, debtor_id, step.channel, step.contact_point_id, work.now, template_id=step.template_id,
        requested_by=f"{SYSTEM.kind}:{SYSTEM.id}", step_no=step.no,
    )  # fmt: skip
    as_of = _balances_as_of(debtor_id, work)
    question = RequestContact(request, case.case_id, case.loan_ids, case.owed_minor, as_of, HOUSE_PACK)
    cause = because_of_time()
    (answer,) = await work.execute(contacts_of(debtor_id), question, cause)
    if isinstance(answer, ContactBlocked):
        note = NoteTry(step.no, attempt_id, "blocked", retry_at(answer, step.tries, HOUSE_PACK))
    else:
        note = NoteTry(step.no, attempt_id, "permitted", None)
    await work.execute(case_of(debtor_id), note, cause)


async def _question(wish: Wish, work: Work, pack: Pack) -> RequestContact:
    contacts = await work.state(contacts_of(wish.debtor_id))
    case: CaseState = await work.state(case_of(wish.debtor_id))
    point_id = wish.contact_point_id
    if not point_id and (point := choose_point(wish.channel, contacts.points)):
        point_id = point.contact_point_id
    request = ContactRequest(
        wish.attempt_id, wish.debtor_id, wish.channel, point_id, work.now, wish.purpose, wish.template_id,
        wish.requested_by, wish.step_no,
    )  # fmt: skip
    as_of = _balances_as_of(wish.debtor_id, work) if wish.facts_complete else None
    if isinstance(case, OpenCase):
        return RequestContact(request, case.case_id, case.loan_ids, case.owed_minor, as_of, pack)
    return RequestContact(request, "", (), 0 if case.episodes else None, as_of, pack)


def _balances_as_of(debtor_id: str, work: Work) -> datetime | None:
    """Return up to when everything that ingest knows about the person has been heard here."""
    return work.feeds.get(("ingest", work.partition(contacts_of(debtor_id))))
