"""Load the sample: core banking tells, days close, people call, promise, approve and pay. A second run changes nothing.

Every fact and command carries an id of its own, and every date is relative to the day of the first run, which the
system itself remembers; so an interrupted run is completed by the next.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx
from aiokafka import AIOKafkaProducer

from arrears.events.registry import Event
from arrears_local.doors import Doors, Refused, open_doors
from arrears_local.person import PersonToken
from arrears_local.sample.loans import SampleLoan, day_of, sample_loans
from arrears_local.simulator.bank import CoreBanking, Payment, booked, credit_notification, ids, posted
from arrears_local.simulator.quiescence import until_quiet

_HOME_ZONE: Final = ZoneInfo("Asia/Shanghai")
_DAY: Final = timedelta(days=1)
_WEEKS: Final = 4
_PROMISES, _PROMISED_UP_TO_DAYS, _CALLS = 6, 40, 4
# Who has approved to take the longest overdue debts the legal way, the longest first.
_APPROVALS: Final = (("legal-1", "lead-1"), ("legal-1", "lead-1"), ("lead-1",))
_NUMBERS: Final = 50_000_000
"""Payments of the sample are numbered from here."""

Tell = Callable[[str], None]


@dataclass(slots=True)
class Outside:
    """Everybody outside the system who takes part in the sample."""

    simulator: Doors
    people: Mapping[str, Doors]
    bank: CoreBanking
    now: datetime
    tell: Tell


async def load_sample(environ: Mapping[str, str], tell: Tell) -> date:
    """Bring the running system of `environ` to the sample's state and return the sample's day.

    Raises:
        LocalRefusal: a part of the system does not answer, or refuses what the sample does.
    """
    async with _outside(environ, tell) as outside:
        today, done = await _progress(outside)
        if done:
            tell(f"the sample portfolio of {today} is loaded already")
            return today
        loans = sample_loans(today)
        tell(f"core banking tells of {len(loans)} loans")
        await _tell_loans(outside, loans)
        await _close_days(outside, today)
        await _take_promises(outside, loans, today)
        await _call(outside, loans)
        await _decide(outside, loans)
        tell("debtors pay: one on the legal way, one by a bank file")
        await _pay(outside, loans, today)
        await until_quiet(outside.simulator)
        return today


@asynccontextmanager
async def _outside(environ: Mapping[str, str], tell: Tell) -> AsyncIterator[Outside]:
    issuer = environ.get("ARREARS_OIDC_ISSUER", "http://127.0.0.1:8200")
    kafka = environ.get("ARREARS_KAFKA", "127.0.0.1:9092")
    async with (
        open_doors("simulator", environ) as doors,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
        AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=5) as producer,
    ):
        names = ("collector-1", "legal-1", "lead-1")
        people = {name: Doors(http, PersonToken(http, issuer, name), environ) for name in names}
        yield Outside(doors, people, CoreBanking(producer), await _now(http, environ), tell)


async def _now(http: httpx.AsyncClient, environ: Mapping[str, str]) -> datetime:
    if environ.get("ARREARS_CLOCK") != "virtual":
        return datetime.now(UTC)  # noqa: TID251  (a sample around today must know it)
    answer = await http.get(f"{environ['ARREARS_CLOCK_URL']}/now")
    return datetime.fromisoformat(answer.json()["now"])


async def _progress(outside: Outside) -> tuple[date, bool]:
    """Return the day of the first run, today if this is it, and whether its last step was taken."""
    today = outside.now.astimezone(_HOME_ZONE).date()
    first = await _find(outside, sample_loans(today)[0])
    if first is None:
        return today, False
    begun = day_of(date.fromisoformat(first["unpaid"][0]["due_on"]))
    last = await _find(outside, _longest_overdue(sample_loans(begun))[0])
    return begun, last is not None and any(one["value_on"] == begun.isoformat() for one in last["repayments"])


async def _find(outside: Outside, sample: SampleLoan) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = await outside.simulator.get("ingest", f"/v1/loans/{ids(sample.loan)[1]}")
    except Refused as refused:
        if refused.status == 404:
            return None
        raise
    return found


def _longest_overdue(loans: Sequence[SampleLoan]) -> list[SampleLoan]:
    return sorted(loans, key=lambda sample: -sample.days_past_due)


async def _tell_loans(outside: Outside, loans: Sequence[SampleLoan]) -> None:
    """Core banking tells of every loan and of the instalments that were paid in time."""
    told: list[tuple[str, str, Event]] = [
        (s.loan.customer.ref, f"sample-booked-{s.loan.ref}", booked(s.loan)) for s in loans
    ]
    paid = [payment for number, sample in enumerate(loans) for payment in _paid_in_time(sample, number)]
    told += [(p.loan.customer.ref, f"sample-posted-{p.number}", posted(p)) for p in paid]
    await outside.bank.publish(told, outside.now)
    await until_quiet(outside.simulator)


def _paid_in_time(sample: SampleLoan, number: int) -> Iterator[Payment]:
    for line in sample.loan.lines[: sample.paid_lines]:
        yield Payment(sample.loan, line.total_minor, line.due_on, _NUMBERS + number * 100 + line.no)


async def _close_days(outside: Outside, today: date) -> None:
    """Close the business days of the last weeks; treatments run through them."""
    days = [day for day in (today - n * _DAY for n in range(7 * _WEEKS, 0, -1)) if day.weekday() < 5]
    calendar = await outside.simulator.get("ingest", "/v1/business-days")
    for number, day in enumerate(days, start=1):
        if calendar["closed_on"] is None or calendar["closed_on"] <= day.isoformat():
            await outside.simulator.post(
                "ingest", "/v1/business-days", {"date": day.isoformat()}, key=f"sample-close-{day}"
            )
        if number in (1, len(days)):  # cases and treatments begin with the first; the others follow in their order
            await until_quiet(outside.simulator)
        if number % 5 == 0 or number == len(days):
            outside.tell(f"business days closed: {number} of {len(days)}, up to {day}")


async def _take_promises(outside: Outside, loans: Sequence[SampleLoan], today: date) -> None:
    """Debtors who are a little late promise at the counter what is due."""
    late = [sample for sample in loans if 0 < sample.days_past_due <= _PROMISED_UP_TO_DAYS][:_PROMISES]
    outside.tell(f"{len(late)} debtors promise to pay")
    for number, sample in enumerate(late):
        debtor_id, loan_id = ids(sample.loan)
        case = await outside.people["collector-1"].get("outreach", f"/v1/debtors/{debtor_id}/case")
        due = next((loan["due_minor"] for loan in case["loans"] if loan["loan_id"] == loan_id), 0)
        body = {
            "debtor_id": debtor_id, "loan_id": loan_id,
            "parts": [{"due_on": (today + (2 + number) * _DAY).isoformat(), "amount_minor": due}],
        }  # fmt: skip
        with _already_done():
            await outside.people["collector-1"].post("outreach", "/v1/promises", body, key=f"sample-promise-{loan_id}")


async def _call(outside: Outside, loans: Sequence[SampleLoan]) -> None:
    """A collector calls debtors who are later; at night the gate says no, and that is kept, too."""
    wanted = [sample for sample in loans if sample.days_past_due > _PROMISED_UP_TO_DAYS][:_CALLS]
    collector, permitted = outside.people["collector-1"], 0
    for sample in wanted:
        debtor_id, loan_id = ids(sample.loan)
        wish = {"debtor_id": debtor_id, "channel": "voice", "template_id": "collection-call"}
        decision = await collector.post("outreach", "/v1/contacts", wish, key=f"sample-contact-{loan_id}")
        if decision["permitted"]:
            permitted += 1
            outcome = {
                "debtor_id": debtor_id, "disposition": "RPC_CALLBACK", "party": "debtor", "duration_seconds": 75,
            }  # fmt: skip
            path = f"/v1/contacts/{decision['attempt_id']}/outcome"
            with _already_done():
                await collector.post("outreach", path, outcome, key=f"sample-outcome-{loan_id}")
    outside.tell(f"a collector asks the gate for {len(wanted)} calls and may make {permitted}")


async def _decide(outside: Outside, loans: Sequence[SampleLoan]) -> None:
    """Of the proposals to go the legal way two are granted by two people, one by one of them, the others wait."""
    page = await outside.people["legal-1"].get("legal", "/v1/proposals", status="open", limit="100")
    open_of = {loan: item["approval_id"] for item in page["items"] for loan in item["loan_ids"]}
    wanted = [open_of.get(ids(sample.loan)[1]) for sample in _longest_overdue(loans)[: len(_APPROVALS)]]
    outside.tell(f"{len(page['items'])} proposals to go the legal way; two people approve two of them")
    for approval, people in zip(wanted, _APPROVALS, strict=True):
        for person in people if approval else ():
            with _already_done():
                path = f"/v1/proposals/{approval}/approvals"
                await outside.people[person].post("legal", path, {}, key=f"sample-{approval}-{person}")
    await until_quiet(outside.simulator)


async def _pay(outside: Outside, loans: Sequence[SampleLoan], today: date) -> None:
    """One who promised pays by a bank file; last of all, one on the legal way pays everything through core banking."""
    promised = next(sample for sample in loans if sample.days_past_due)
    due = await _due_minor(outside, ids(promised.loan)[1], today)
    if due:
        content = credit_notification([Payment(promised.loan, due, today, _NUMBERS)], today)
        await outside.simulator.upload("ingest", "/v1/files", content, key=f"sample-file-{today}", format="camt")
    escalated = _longest_overdue(loans)[0].loan
    owed = await outside.simulator.get("ingest", f"/v1/loans/{ids(escalated)[1]}", as_of=today.isoformat())
    if owed["payoff_minor"]:
        payment = Payment(escalated, owed["payoff_minor"], today, _NUMBERS + 1)
        await outside.bank.publish([(escalated.customer.ref, "sample-paid-off", posted(payment))], outside.now)


async def _due_minor(outside: Outside, loan_id: str, today: date) -> int:
    loan = await outside.simulator.get("ingest", f"/v1/loans/{loan_id}", as_of=today.isoformat())
    return int(loan["due_minor"])


@contextmanager
def _already_done() -> Iterator[None]:
    """Let pass that a rule says no to what an interrupted run before this one did."""
    try:
        yield
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
