"""The journey in short on samples of our own, so that it runs where the real inputs are absent."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Final

from tests.system.journeys import DAY, fall_overdue, promise_on_the_phone
from tests.system.loans import TestLoan
from tests.system.running import System
from tests.system.test_traffic_fines import balance_of, loans_of

SAMPLES: Final = Path(__file__).parent / "samples"
LOAN: Final = TestLoan("sample", 1_500_00, date(2024, 3, 11), payment_reference="SAMPLEREF1", phone="+8613800138005")
PAID_ON: Final = date(2024, 3, 15)


async def test_a_bank_file_of_our_own_keeps_a_promise_and_cures_the_loan(system: System) -> None:
    overdue_on = LOAN.due_on + DAY
    await fall_overdue(system, overdue_on, LOAN)
    await system.move_clock(overdue_on + DAY, time(11))
    (message,) = await system.messages_to(LOAN.phone)
    assert "1,500.00" in message["body"]
    await promise_on_the_phone(system, LOAN, "collector-1", LOAN.amount_minor, PAID_ON)

    await system.move_clock(PAID_ON, time(18, 5))
    content = (SAMPLES / "credit-notification.xml").read_bytes()
    answer = await system.import_file(content, "camt")
    assert (answer["applied"], answer["unmatched"], answer["ignored"]) == (1, 1, 1)
    story = await system.story(LOAN.debtor_id)
    assert story.one("RepaymentReceived").data["amount_minor"] == LOAN.amount_minor
    steps = ("CaseOpened", "ContactAttempted", "PromiseMade", "PromiseKept", "CaseClosed")
    assert [*dict.fromkeys(story.names("outreach", *steps))] == [*steps]
    assert story.because_of("CaseClosed") == "LoanCured"

    heads = await system.heads()
    assert (await system.import_file(content, "camt"))["imported_before"]
    assert await system.heads() == heads


async def test_a_log_of_our_own_gives_the_balances_that_it_tells(system: System) -> None:
    answer = await system.import_file((SAMPLES / "fines.xes").read_bytes(), "xes")
    assert (answer["entries"], answer["applied"], answer["ignored"]) == (10, 8, 2)
    loans = await loans_of(system, ["SAMPLE-PAID", "SAMPLE-OWING", "SAMPLE-OVERPAID"])
    assert [balance_of(loan) for loan in loans] == [0, 87_00, -5_00]
