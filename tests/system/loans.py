"""Loans as core banking tells them, for the journeys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from arrears.events.corebanking import CustomerData, Instalment, LoanBooked, RepaymentPosted
from arrears.events.registry import Event
from arrears.values import identity
from arrears_local.simulator.bank import CURRENCY

YEAR: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class TestLoan:
    """A loan without interest of one instalment, and whom it belongs to."""

    __test__ = False

    ref: str
    amount_minor: int
    due_on: date  # the one instalment's
    currency: str = CURRENCY
    payment_reference: str = ""
    phone: str = "+8613800138001"

    @property
    def customer_ref(self) -> str:
        return f"customer-of-{self.ref}"

    @property
    def debtor_id(self) -> str:
        return identity.debtor_id("default", "corebanking", self.customer_ref)

    @property
    def loan_id(self) -> str:
        return identity.loan_id("default", "corebanking", self.ref)

    def booked(self) -> tuple[str, Event]:
        """Return what core banking tells of it, with the topic's key."""
        return self.customer_ref, LoanBooked(
            loan_ref=self.ref, customer_ref=self.customer_ref, product="consumer", currency=self.currency,
            principal_minor=self.amount_minor, disbursed_on=self.due_on - YEAR, annual_rate="0",
            instalments=(Instalment(no=1, due_on=self.due_on, principal_minor=self.amount_minor),),
            payment_reference=self.payment_reference,
            customer=CustomerData(name="Maria Muster", phone=self.phone, zone="Asia/Shanghai", language="zh"),
        )  # fmt: skip

    def paid(self, amount_minor: int, on: date, posting_ref: str) -> tuple[str, Event]:
        """Return what core banking tells of a payment."""
        return self.customer_ref, RepaymentPosted(
            loan_ref=self.ref, customer_ref=self.customer_ref, posting_ref=posting_ref, amount_minor=amount_minor,
            currency=self.currency, value_on=on,
        )  # fmt: skip
