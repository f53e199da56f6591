"""The records of the pipeline benchmark: loans with twelve instalments, and many small repayments. Pure."""

from __future__ import annotations

from datetime import date
from typing import Final

from arrears.events.corebanking import CustomerData, Instalment, LoanBooked, RepaymentPosted
from arrears.events.registry import Event

Told = tuple[str, str, Event]
_DISBURSED: Final = date(2026, 1, 5)


def bookings(loans: int) -> list[Told]:
    """Return one loan a customer."""
    return [(f"C{n}", f"booked-{n}", _booking(n)) for n in range(loans)]


def repayments(round_number: int, records: int, loans: int) -> list[Told]:
    """Return `records` repayments of 1.00, spread over the loans."""
    return [
        (
            f"C{n % loans}",
            f"posted-{round_number}-{n}",
            RepaymentPosted(
                loan_ref=f"L{n % loans}", customer_ref=f"C{n % loans}", posting_ref=f"P-{round_number}-{n}",
                amount_minor=100, currency="CNY", value_on=date(2026, 2, 6),
            ),
        )
        for n in range(records)
    ]  # fmt: skip


def _booking(number: int) -> LoanBooked:
    return LoanBooked(
        loan_ref=f"L{number}", customer_ref=f"C{number}", product="consumer", currency="CNY", principal_minor=1_200_000,
        disbursed_on=_DISBURSED, annual_rate="0.1080", payment_reference=f"BENCH{number:09d}",
        instalments=tuple(
            Instalment(no=m, due_on=date(2026 + m // 12, m % 12 + 1, 5), principal_minor=100_000, interest_minor=1_000)
            for m in range(1, 13)
        ),
        customer=CustomerData(name="Bench", phone="+8619900000001", zone="Asia/Shanghai"),
    )  # fmt: skip
