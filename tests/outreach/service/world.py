"""Outreach over a real database, with a clock that the test moves and the real message provider's server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import httpx
from starlette.applications import Starlette
from tests.service_world import PARTITIONS, ServiceWorld, service_world

from arrears.auth.principal import Role
from arrears.database import Database
from arrears.events.ingest import ContactPointAdded, LoanBalanceChanged, LoanCured, LoanOverdue, RepaymentReceived
from arrears.events.outreach import ContactPermitted
from arrears.events.scoring import TreatmentSelected, TreatmentStep
from arrears.eventstore.commands import Commands
from arrears.kafka.cloudevents import Heartbeat, RawRecord, heartbeat_record
from arrears.timers import Timers
from arrears.values.balance import Components
from arrears.vault import SubjectKey, seal
from arrears_local.providers.messages import MessageBook
from arrears_local.providers.sms import Account, SmsServer
from outreach.adapters.sms_gateway import SmsGateway
from outreach.domain.gate import KnownPoint
from outreach.entrypoints.definition import OUTREACH
from outreach.use_cases.ports import NotSent
from outreach.use_cases.send_message import Desk, send_message

DEBTOR, LOAN, DAY = "debtor-1", "loan-1", date(2026, 3, 2)
POINT, PHONE, STREAM = "point-1", "+8613800000001", f"stream/{DEBTOR}"
KEY: Final = SubjectKey(debtor_id=DEBTOR, generation=1, secret=bytes(32))


class TestClock:
    """A clock that shows what the test says."""

    __test__ = False

    def __init__(self, world: ServiceWorld) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now

    async def wait_until(self, instant: datetime) -> None:
        raise AssertionError("nothing here waits")

    async def changed(self) -> None:
        raise AssertionError("nothing here waits")


class FixedAddresses:
    """Addresses as the key interface would give them; none when the key is destroyed."""

    def __init__(self) -> None:
        self.number: str | None = PHONE

    async def clear(self, debtor_id: str, point: KnownPoint) -> str:
        if self.number is None:
            raise NotSent("the key is destroyed", passing=False)
        return self.number


class Outreach:
    """The service, its provider, and what a test does with them."""

    def __init__(
        self, world: ServiceWorld, clock: TestClock, desk: Desk, book: MessageBook, addresses: FixedAddresses
    ) -> None:
        self.world = world
        self.clock = clock
        self.desk = desk
        self.book = book
        self.addresses = addresses
        self._sent_to = 0
        self._timers = Timers(world.bound.store, world.bound.inbox, OUTREACH.instant_rules, clock, world.bound.appended)

    async def at(self, day: date, hour: int, minute: int = 0, *, beat: bool = True) -> None:
        """Move the clock to a wall-clock time in Shanghai; ingest says that it has nothing newer."""
        self.world.now = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=8)
        if beat:
            await self.beat()

    async def beat(self) -> None:
        """Hear ingest's heartbeat in every partition."""
        value, headers = heartbeat_record(Heartbeat(source="ingest", position=0, at=self.world.now))
        beats = [
            RawRecord("ingest.events", part, 0, None, value, tuple(headers), self.world.now)
            for part in range(PARTITIONS)
        ]
        async with self.world.bound.database.transaction() as connection:
            await self.world.bound.inbox.take(connection, [], self.world.now, beats)

    async def fire(self) -> int:
        """Wake what waits for this instant."""
        woken = await self._timers.fire(self.world.now)
        await self.world.project()
        return woken

    async def react(self, *, from_the_start: bool = False) -> None:
        """Let the sending see what it has not seen yet, or everything again, as after a crash."""
        events = await self.world.log()
        self._sent_to = 0 if from_the_start else self._sent_to
        for event in events[self._sent_to :]:
            if isinstance(event.data, ContactPermitted):
                await send_message(event, self.desk, perhaps_sent=from_the_start)
        self._sent_to = len(events)
        await self.world.project()

    async def post(self, path: str, body: dict[str, Any], key: str, *roles: Role) -> httpx.Response:
        """Post as the collector lin."""
        async with self.world.client("lin", *(roles or (Role.collector,))) as client:
            answer = await client.post(path, json=body, headers={"Idempotency-Key": key})
        await self.world.project()
        return answer

    async def get(self, path: str) -> Any:
        """Read as the collector lin."""
        async with self.world.client("lin", Role.collector) as client:
            answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def hear(self, source: str, *events: Any) -> None:
        """Hear of the one debtor."""
        await self.world.hear(source, DEBTOR, *events)


@asynccontextmanager
async def outreach(database: Database) -> AsyncIterator[Outreach]:
    """Yield outreach over an empty log, joined to the provider's server without a network."""
    async with service_world(OUTREACH, database) as world:
        clock = TestClock(world)
        world.bound.clock = clock
        world.bound.commands = Commands(world.bound.store, clock, world.bound.appended, world.bound.inbox.feeds)
        account, book = Account(), MessageBook()
        async with world.client("nobody") as callbacks:
            server = SmsServer(account, book, callbacks)
            transport = httpx.ASGITransport(Starlette(routes=server.routes()))
            async with httpx.AsyncClient(transport=transport) as http:
                gateway = SmsGateway(
                    http, "http://sms", account.sid, account.token, "+8610000000000", "http://127.0.0.1:8103"
                )
                addresses = FixedAddresses()
                desk = Desk(world.bound.store, world.bound.commands, clock, gateway, addresses)
                yield Outreach(world, clock, desk, book, addresses)
            await server.close()
        await world.bound.commands.close()


def point(zones: tuple[str, ...] = ("Asia/Shanghai",), **changes: Any) -> ContactPointAdded:
    sealed = seal(KEY, STREAM, "ContactPointAdded", "value_sealed", PHONE)
    return ContactPointAdded(**{
        "contact_point_id": POINT, "kind": "mobile", "value_sealed": sealed, "zones": zones,
    } | changes)  # fmt: skip


def overdue(loan_id: str = LOAN, as_of: date = DAY) -> LoanOverdue:
    due = Components(principal_minor=500_000)
    return LoanOverdue(
        loan_id=loan_id, episode_id=f"{loan_id}/1", overdue_since=as_of, as_of=as_of, days_past_due=1, bucket="M1",
        currency="CNY", overdue=due, total_due_minor=500_000, payoff_minor=900_000, oldest_no=1, prior_episodes=0,
    )  # fmt: skip


def balance(due: int, payoff: int, as_of: date = DAY, loan_id: str = LOAN) -> LoanBalanceChanged:
    return LoanBalanceChanged(
        loan_id=loan_id, as_of=as_of, currency="CNY", due=Components(principal_minor=due), not_due=Components(),
        accruing=(), payoff_minor=payoff,
    )  # fmt: skip


def treatment(*steps: tuple[int, Any, str], treatment_id: str = "treatment-1") -> TreatmentSelected:
    return TreatmentSelected(
        treatment_id=treatment_id, loan_ids=(LOAN,), strategy_id="light-remind", version=1, arm="", experiment_id="",
        steps=tuple(
            TreatmentStep(no=no, offset_days=offset, channel=channel, template_id=template)
            for no, (offset, channel, template) in enumerate(steps, start=1)
        ),
        valid_until=datetime(2026, 12, 31, tzinfo=UTC),
    )  # fmt: skip


def paid(minor: int, on: date, repayment_id: str = "r1") -> RepaymentReceived:
    return RepaymentReceived(
        repayment_id=repayment_id, loan_id=LOAN, amount_minor=minor, currency="CNY", value_on=on,
        received_at=datetime(on.year, on.month, on.day, 4, tzinfo=UTC), channel="transfer", payer_kind="debtor",
        external_txn="t", allocation=(), overpayment_minor=0, policy_id="p",
    )  # fmt: skip


def cured(on: date, loan_id: str = LOAN) -> LoanCured:
    return LoanCured(
        loan_id=loan_id, episode_id=f"{loan_id}/1", cured_on=on, days_past_due_max=9, cured_by="contact", paid_off=True
    )
