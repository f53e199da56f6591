"""Readers of files against samples of our own: what is money, what is left out and why."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from arrears.events import corebanking as native
from ingest.adapters import xes
from ingest.domain.refusals import FileUnreadable


def event(activity: str, at: str, **floats: str) -> str:
    values = "".join(f"<float key='{name}' value='{value}'/>" for name, value in floats.items())
    return f"<event><string key='concept:name' value='{activity}'/><date key='time:timestamp' value='{at}'/>{values}</event>"


def log(*events: str) -> bytes:
    return f"<log><trace><string key='concept:name' value='A1'/>{''.join(events)}</trace></log>".encode()


def test_a_case_becomes_a_loan_fees_and_payments() -> None:
    found = xes.read(
        log(
            event("Create Fine", "2006-06-20T00:00:00+02:00", amount="35.0"),
            event("Send Fine", "2006-07-01T00:00:00+02:00", expense="11.0"),
            event("Insert Fine Notification", "2006-07-05T00:00:00+02:00"),
            event("Add penalty", "2006-09-03T00:00:00+02:00", amount="71.5"),
            event("Payment", "2006-09-10T00:00:00+02:00", paymentAmount="82.5"),
        )
    )
    booked, expense, penalty, payment = (fact.event for fact in found.facts)
    assert isinstance(booked, native.LoanBooked)
    assert (booked.principal_minor, booked.instalments[0].due_on) == (3_500, date(2006, 6, 20))
    assert isinstance(expense, native.FeePosted)
    assert isinstance(penalty, native.FeePosted)
    assert (expense.amount_minor, penalty.amount_minor) == (1_100, 3_650)  # the new total less the fine
    assert isinstance(payment, native.RepaymentPosted)
    assert found.facts[0].at == datetime(2006, 6, 19, 22, tzinfo=UTC)
    assert found.ignored == {"Insert Fine Notification": 1}


def test_a_fine_of_nothing_is_no_loan() -> None:
    assert xes.read(log(event("Create Fine", "2006-06-20T00:00:00", amount="0.0"))).facts == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<log", "well-formed"),
        (b"<log><trace/></log>", "no concept:name"),
        (log("<event/>"), "time:timestamp"),
        (log(event("Create Fine", "yesterday", amount="1")), "yesterday"),
        (log(event("Create Fine", "2006-06-20T00:00:00")), "amount"),
        (log(event("Payment", "2006-06-20T00:00:00", paymentAmount="-1")), "below zero"),
    ],
)
def test_an_unusable_log_is_refused_with_its_place(data: bytes, words: str) -> None:
    with pytest.raises(FileUnreadable, match=words):
        xes.read(data)
