"""One day after another: the clock moves, people work, debtors pay, the day closes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx

from arrears_local.doors import Doors
from arrears_local.simulator.bank import CoreBanking, Payment, booked, credit_notification, ids, posted
from arrears_local.simulator.behaviour import LoanBook, chance, pays_in_full
from arrears_local.simulator.people import Tally, call_once_more, decide_proposals, work_call_list
from arrears_local.simulator.portfolio import SimulatedLoan
from arrears_local.simulator.quiescence import until_quiet

_FRIDAY: Final = 4
_ZONE: Final = ZoneInfo("Asia/Shanghai")
_MESSAGES_OUT: Final = time(10, 5)
_CALLS: Final = time(14, 0)
_CLOSE: Final = time(22, 15)


def business_days(first: date, count: int) -> Iterator[date]:
    """Yield `count` days from Monday to Friday, beginning with the first of them not before `first`."""
    day = first
    while count:
        if day.weekday() < 5:
            yield day
            count -= 1
        day += timedelta(days=1)


@dataclass(slots=True)
class World:
    """The outside of one running system under a virtual clock."""

    seed: int
    loans: Sequence[SimulatedLoan]
    doors: Doors
    lawyers: tuple[Doors, Doors]
    bank: CoreBanking
    http: httpx.AsyncClient
    clock_url: str
    sms_url: str
    tell: Callable[[str], None]
    tally: Tally = field(default_factory=Tally)
    payments: list[Payment] = field(default_factory=list)
    books: dict[str, LoanBook] = field(init=False)

    def __post_init__(self) -> None:
        self.books = {ids(loan)[1]: LoanBook(loan) for loan in self.loans}

    async def move_clock(self, on: date, at: time) -> datetime:
        """Set the virtual clock to a local time of a day; it never goes back."""
        instant = datetime.combine(on, at, _ZONE).astimezone(UTC)
        answer = await self.http.post(f"{self.clock_url}/now", json={"at": instant.isoformat()})
        answer.raise_for_status()
        return instant

    async def book_portfolio(self, on: date) -> None:
        """Core banking tells of all loans."""
        at = await self.move_clock(on, time(8, 30))
        told = [(loan.customer.ref, f"booked-{loan.ref}", booked(loan)) for loan in self.loans]
        await self.bank.publish(told, at)
        await until_quiet(self.doors)

    async def live_through(self, on: date) -> None:
        """Let one business day happen and close it."""
        await self.move_clock(on, _MESSAGES_OUT)
        await until_quiet(self.doors)
        await self._hear_messages(on)
        await self.move_clock(on, _CALLS)
        await until_quiet(self.doors)  # nobody may be called on balances that were last heard of in the morning
        await work_call_list(self.doors, self.seed, self.books, on, self.tally)
        await decide_proposals(self.lawyers, self.books, on, self.tally)
        await self._pay(on)
        await until_quiet(self.doors)
        await self.move_clock(on, _CLOSE)
        if on.weekday() == _FRIDAY:
            await until_quiet(self.doors)
            await call_once_more(self.doors, self.books, on, self.tally)
        await self.doors.post("ingest", "/v1/business-days", {"date": on.isoformat()}, key=f"close-{on}")
        await until_quiet(self.doors)

    async def _hear_messages(self, on: date) -> None:
        """Debtors read what the provider delivered to them."""
        answer = await self.http.get(f"{self.sms_url}/messages")
        reached = {m["to"] for m in answer.json()["messages"] if m["status"] == "delivered"}
        for book in self.books.values():
            if book.loan.customer.phone in reached and book.oldest_due_on(on) and book.reminded_on is None:
                book.reminded_on = on

    async def _pay(self, on: date) -> None:
        """Debtors pay; four in five by the core-banking topic, the rest as a bank file."""
        due: list[Payment] = []
        for loan_id, book in self.books.items():
            if pays_in_full(self.seed, book, on):
                due.append(await self._payment(loan_id, book, on))
        by_file = [p for p in due if chance(self.seed, "file", p.loan.ref, on).random() < 0.2]
        by_topic = [p for p in due if p not in by_file]
        at = datetime.combine(on, _CALLS, _ZONE).astimezone(UTC)
        await self.bank.publish([(p.loan.customer.ref, f"posted-{p.number}", posted(p)) for p in by_topic], at)
        if by_file:
            content = credit_notification(by_file, on)
            await self.doors.upload("ingest", "/v1/files", content, key=f"camt-{on}", format="camt")

    async def _payment(self, loan_id: str, book: LoanBook, on: date) -> Payment:
        """Ask what is owed, as a debtor would, and pay it."""
        amount = await self._overdue_minor(loan_id, book, on)
        book.paid_minor += book.due_minor(on)
        book.promised_for = book.reminded_on = None
        payment = Payment(book.loan, amount, on, len(self.payments) + 1)
        self.payments.append(payment)
        return payment

    async def _overdue_minor(self, loan_id: str, book: LoanBook, on: date) -> int:
        if book.oldest_due_on(on) == on:
            return book.due_minor(on)
        loan: dict[str, Any] = await self.doors.get("ingest", f"/v1/loans/{loan_id}", as_of=on.isoformat())
        return max(int(loan["due_minor"]), book.due_minor(on))
