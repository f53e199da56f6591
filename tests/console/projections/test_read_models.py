"""The read models after one debtor's story, and in whatever batches it comes."""

from __future__ import annotations

import pytest
from tests.console.conftest import hear
from tests.console.story import DEBTOR, LOAN, story

from arrears.runtime import Runtime


async def rows(console: Runtime, view: str) -> list[dict[str, object]]:
    async with console.database.connection() as connection:
        return [dict(row) for row in await connection.fetch(f"SELECT * FROM read.{view}")]


@pytest.mark.parametrize("batch", [1, 4, 100])
async def test_the_story_ends_with_one_debtor_loan_and_case(console: Runtime, batch: int) -> None:
    events = story()
    for start in range(0, len(events), batch):
        await hear(console, events[start : start + batch])
    [debtor] = await rows(console, "debtors")
    assert (debtor["debtor_id"], debtor["customer_ref"], debtor["zone"]) == (DEBTOR, "C-1001", "Asia/Shanghai")
    [loan] = await rows(console, "loans")
    assert loan == {
        "loan_id": LOAN, "debtor_id": DEBTOR, "external_ref": "L-1001", "product": "consumer", "currency": "CNY",
        "bucket": "M0", "days_past_due": 0, "payoff_minor": 1_206_580,
    }  # fmt: skip
    [case] = await rows(console, "cases")
    assert (case["status"], case["reason"], case["legal"]) == ("closed", "paid_off", "escalated")
    assert len(await rows(console, "timeline")) == len(events)


async def test_legal_may_be_heard_before_outreach(console: Runtime) -> None:
    events = story()
    legal_first = sorted(events, key=lambda event: event.source != "legal")
    for event in legal_first:
        await hear(console, [event])
    [case] = await rows(console, "cases")
    assert (case["status"], case["legal"]) == ("closed", "escalated")


async def test_a_held_case_says_why(console: Runtime) -> None:
    await hear(console, story()[:11])
    [case] = await rows(console, "cases")
    assert (case["status"], case["reason"], case["legal"]) == ("held", "legal", None)
