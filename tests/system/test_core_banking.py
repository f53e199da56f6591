"""Core banking as it really is: Apache Fineract's six golden messages, byte for byte, on its own topic."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date, time
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from tests.system.running import Story, System

from arrears.values import identity

TOPIC: Final = "external-events"
UTC: Final = ZoneInfo("UTC")
UNKNOWN: Final = b"\xc3\x01" + bytes(range(8)) + b"what no schema of ours describes"
GOLDEN: Final = {
    "01-repayment-due": 121,
    "02-repayment-overdue": 121,
    "03-delinquency-range-change": 122,
    "04-make-repayment-post": 122,
    "05-bulk-repayment-and-range-cleared": 122,
    "06-adjust-transaction-reversed": 122,
}


async def test_the_golden_messages_have_their_effect_once(system: System, shared_folder: Path) -> None:
    golden = shared_folder / "real" / "fineract" / "golden"
    messages = [(loan, (golden / f"{name}.bin").read_bytes()) for name, loan in GOLDEN.items()]
    due, overdue, range_change, repayment, bulk, adjustment = messages

    await system.move_clock(date(2023, 1, 31), time(0, 6), UTC)
    await _send(system, [(999, UNKNOWN), due])
    await _parked(system)
    loan = (await _story(system, 121)).one("LoanImported").data
    assert (loan["external_ref"], loan["currency"], loan["principal_minor"]) == ("121", "EUR", 1_000_00)

    await system.close_day(date(2023, 2, 2))
    assert (await _story(system, 121)).one("LoanOverdue").data["total_due_minor"] == 1_000_00
    await system.move_clock(date(2023, 2, 3), time(0, 6), UTC)
    await _send(system, [overdue])
    await system.move_clock(date(2023, 10, 25), time(0, 6), UTC)
    await _send(system, [range_change])
    await system.close_day(date(2023, 10, 25))
    late = (await _story(system, 122)).one("LoanOverdue").data
    assert (late["total_due_minor"], late["overdue_since"], late["days_past_due"]) == (500_00, "2023-10-04", 21)

    await system.move_clock(date(2023, 10, 28), time(9), UTC)
    await _send(system, [repayment])
    _paid_back(await _story(system, 122))
    await _send(system, [bulk, adjustment])
    await _taken_back_once(system)
    await _again_changes_nothing(system, messages)


def _paid_back(story: Story) -> None:
    paid = story.one("RepaymentReceived").data
    assert (paid["amount_minor"], paid["value_on"], paid["overpayment_minor"]) == (500_00, "2023-10-26", 0)
    assert story.one("LoanCured").data["cured_on"] == "2023-10-26"
    assert story.because_of("CaseClosed") == "LoanCured"


async def _taken_back_once(system: System) -> None:
    """The bulk is another message about money, with a key of its own; the adjustment takes one of the two back."""
    story = await _story(system, 122)
    assert [line.data["amount_minor"] for line in story.all("RepaymentReceived")] == [500_00, 500_00]
    assert story.all("RepaymentReceived")[1].data["overpayment_minor"] == 500_00
    back = story.one("RepaymentReversed").data
    assert (back["amount_minor"], back["overpayment_minor"], back["value_on"]) == (500_00, 500_00, "2023-10-28")
    loan = await system.loan(_loan_id(122), date(2023, 10, 28))
    assert (loan["payoff_minor"], loan["overpaid_minor"]) == (0, 0)
    for number in (121, 122):
        assert not (await _story(system, number)).all("HostDivergenceDetected")


async def _parked(system: System) -> None:
    """What no schema describes is parked with the reason, and held nobody else up."""
    held = (await system.doors.get("ingest", "/v1/dlq"))["parked"]
    (record,) = [one for one in held if one["topic"] == TOPIC]
    assert "fingerprint" in record["error"], record


async def _again_changes_nothing(system: System, messages: Sequence[tuple[int, bytes]]) -> None:
    before = await system.heads()
    await _send(system, messages)
    assert await system.heads() == before


async def _send(system: System, messages: Sequence[tuple[int, bytes]]) -> None:
    """Send as Fineract does: the loan id as eight bytes is the key, and there are no headers."""
    for loan, value in messages:
        await system.producer.send_and_wait(TOPIC, value, key=struct.pack(">q", loan), partition=0)
    await system.quiet()


def _loan_id(number: int) -> str:
    return identity.loan_id("default", "fineract/default", str(number))


async def _story(system: System, number: int) -> Story:
    loan: dict[str, Any] = await system.loan(_loan_id(number), date(2023, 10, 28))
    return await system.story(loan["debtor_id"])
