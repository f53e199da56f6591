"""The whole journey on real input: the bank's own file, core banking's own messages, a public log of real fines."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Final

import pytest
from tests.system.journeys import DAY, fall_overdue, promise_on_the_phone, refused
from tests.system.loans import TestLoan
from tests.system.running import System

CAMT: Final = "dvbern-camt054.{}.qrr-pair-A.xml"
# What the bank's file of 18 June 2020 pays, by its QR references.
PAID_IN_FULL: Final = TestLoan("A-2020", 778_29, date(2020, 6, 10), "CHF", "53 91154 29773 82531 19714 77453")
PAID_IN_PART: Final = TestLoan(
    "B-2020", 1_000_00, date(2020, 6, 10), "CHF", "66 24377 65447 74647 81797 44715", "+8613800138002"
)
FILE_DAY: Final = date(2020, 6, 18)


@pytest.fixture(scope="module")
def real(shared_folder: Path) -> Path:
    """The folder of real inputs."""
    return shared_folder / "real"


async def test_a_bank_file_keeps_a_promise_and_cures_the_loan(system: System, real: Path) -> None:
    """From overdue over the gate and a call to a kept promise, by the bank's own camt.054."""
    overdue_on = PAID_IN_FULL.due_on + DAY
    await fall_overdue(system, overdue_on, PAID_IN_FULL, PAID_IN_PART)
    await system.move_clock(overdue_on, time(23))
    await refused(system, "collector-1", PAID_IN_FULL, "BLOCK_QUIET_HOURS")
    await _told_by_message(system, overdue_on + DAY)

    await system.move_clock(overdue_on + DAY, time(14))
    for loan, due_on in ((PAID_IN_FULL, FILE_DAY + DAY), (PAID_IN_PART, FILE_DAY - DAY)):
        made = await promise_on_the_phone(system, loan, "collector-1", loan.amount_minor, due_on)
        assert (made["total_minor"], made["currency"]) == (loan.amount_minor, "CHF")
        await refused(system, "collector-2", loan, "BLOCK_CASE_HELD")

    await system.close_day(overdue_on + DAY)
    await system.move_clock(FILE_DAY, time(20))
    v8, v4 = ((real / "iso20022" / CAMT.format(version)).read_bytes() for version in ("v8", "v4"))
    answer = await system.import_file(v8, "camt")
    assert (answer["entries"], answer["applied"], answer["unmatched"]) == (2, 2, 0)
    await _kept_and_closed(system)
    await _nothing_twice(system, v8, v4)

    await system.close_day(FILE_DAY + DAY)
    story = await system.story(PAID_IN_PART.debtor_id)
    partly = story.one("PromisePartlyKept").data
    assert (partly["paid_minor"], partly["shortfall_minor"]) == (913_93, 86_07)
    assert not story.all("LoanCured")
    left = await system.loan(PAID_IN_PART.loan_id, FILE_DAY + DAY)
    assert (left["due_minor"], left["bucket"], left["days_past_due"]) == (86_07, "M1", 9)


async def _told_by_message(system: System, on: date) -> None:
    """In the morning the treatment's first message goes out with its permit, once; a second that day is over the cap."""
    await system.move_clock(on, time(10, 5))
    for loan in (PAID_IN_FULL, PAID_IN_PART):
        story = await system.story(loan.debtor_id)
        steps = story.names("outreach", "ContactPermitted", "ContactAttempted", "MessageDelivered")
        assert steps == ["ContactPermitted", "ContactAttempted", "MessageDelivered"]
        permit, attempt = story.one("ContactPermitted").data, story.one("ContactAttempted").data
        assert permit["attempt_id"] == attempt["attempt_id"]
        assert (attempt["channel"], attempt["disposition"]) == ("sms", "MSG_SENT")
        (message,) = await system.messages_to(loan.phone)
        assert message["status"] == "delivered"
    assert "778.29" in (await system.messages_to(PAID_IN_FULL.phone))[0]["body"]
    await refused(system, "collector-1", PAID_IN_FULL, "BLOCK_FREQUENCY_CAP", channel="sms")


async def _kept_and_closed(system: System) -> None:
    story = await system.story(PAID_IN_FULL.debtor_id)
    assert story.one("RepaymentReceived").data["amount_minor"] == 778_29
    assert story.one("RepaymentReceived").data["value_on"] == "2020-06-18"
    assert story.names("ingest", "LoanOverdue", "RepaymentReceived", "LoanCured") == [
        "LoanOverdue", "RepaymentReceived", "LoanCured",
    ]  # fmt: skip
    assert story.names("outreach", "CaseOpened", "PromiseMade", "CaseHeld", "PromiseKept", "CaseClosed") == [
        "CaseOpened", "PromiseMade", "CaseHeld", "PromiseKept", "CaseClosed",
    ]  # fmt: skip
    assert story.because_of("PromiseKept") == "RepaymentReceived"
    assert story.because_of("CaseClosed") == "LoanCured"
    assert story.one("CaseClosed").data["reason"] == "paid_off"
    assert story.one("AssessmentEnded").data["open_loans"] == 0
    await refused(system, "collector-1", PAID_IN_FULL, "BLOCK_CONTACT_AFTER_PAID")
    other = await system.story(PAID_IN_PART.debtor_id)
    assert other.one("RepaymentReceived").data["amount_minor"] == 913_93
    assert not other.all("LoanCured")


async def _nothing_twice(system: System, v8: bytes, v4: bytes) -> None:
    """The same file again, the same payments in other bytes, and their twin in version .04 change nothing."""
    before = await system.heads()
    again = await system.import_file(v8, "camt")
    assert (again["imported_before"], again["applied"]) == (True, 0)
    assert await system.heads() == before
    for number, content in enumerate((v8 + b"\n<!-- sent again -->\n", v4), start=1):
        answer = await system.import_file(content, "camt")
        assert (answer["imported_before"], answer["applied"], answer["repeated"]) == (False, 0, 2)
        assert await system.heads() == before | {"ingest": before["ingest"] + number}  # FileImported, nothing else
