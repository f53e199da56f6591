"""From a broken promise over an exhausted strategy and two approvals to the legal way, back by a repayment; who sees it."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any, Final

import pytest
from tests.system.browser import Browser, browsing
from tests.system.journeys import DAY, approve_twice, fall_overdue, promise_on_the_phone, refused
from tests.system.loans import TestLoan
from tests.system.running import PUBLISHERS, Story, System

OWED: Final = 60_000_00
LONG_OVERDUE: Final = timedelta(days=95)


@pytest.fixture(scope="module")
async def loan(system: System) -> TestLoan:
    """A loan that has gone all the way: what happened on it is checked while it happens."""
    on = await system.next_monday()
    loan = TestLoan("escalated", OWED, on - LONG_OVERDUE, phone="+8613800138003")
    await fall_overdue(system, on, loan)
    await system.move_clock(on + DAY, time(14))
    await promise_on_the_phone(system, loan, "collector-2", OWED, on + 2 * DAY)
    on = await _exhaust(system, loan, on + 4 * DAY)
    _check_advice(await system.story(loan.debtor_id))

    await system.move_clock(on + DAY, time(11))
    granted = await approve_twice(system, loan)
    story = await system.story(loan.debtor_id)
    escalated = story.one("EscalatedToLegal").data
    assert (escalated["legal_case_id"], escalated["approved_by"]) == (granted["legal_case_id"], ["legal-1", "lead-1"])
    assert (escalated["claim"]["principal_minor"], escalated["as_of"]) == (OWED, on.isoformat())
    assert story.all("CaseHeld")[-1].data["reason"] == "legal"
    await refused(system, "collector-1", loan, "BLOCK_CASE_HELD")
    await _pay_all(system, loan, on + DAY)
    return loan


def _check_advice(story: Story) -> None:
    steps = ("PromiseMade", "PromiseBroken", "TreatmentExhausted")
    assert story.names("outreach", *steps) == [*steps]
    assert story.one("PromiseBroken").data["shortfall_minor"] == OWED
    assert story.one("EscalationRecommended").data["target"] == "legal"
    assert story.because_of("EscalationRecommended") == "TreatmentExhausted"
    assert story.because_of("EscalationProposed") == "EscalationRecommended"


async def _exhaust(system: System, loan: TestLoan, on: date) -> date:
    """Close the days on which a step is due, until nothing is left to try; return the last day closed."""
    for _ in range(20):
        await system.close_day(on)
        if (await system.story(loan.debtor_id)).all("TreatmentExhausted"):
            return on
        case = await system.doors.get("outreach", f"/v1/debtors/{loan.debtor_id}/case")
        waiting = [step["planned_on"] or step["due_on"] for step in case["steps"] if not step["done_on"]]
        on = max(on + DAY, date.fromisoformat(min(waiting, default=on.isoformat())))
    raise AssertionError("twenty days closed and the treatment goes on")


async def _pay_all(system: System, loan: TestLoan, on: date) -> None:
    await system.move_clock(on, time(16))
    owed = (await system.loan(loan.loan_id, on))["payoff_minor"]
    await system.told(loan.paid(owed, on, f"all-of-{loan.ref}"))


async def test_a_payment_cures_the_loan_and_ends_both_cases(system: System, loan: TestLoan) -> None:
    story = await system.story(loan.debtor_id)
    paid = story.one("RepaymentReceived").data
    assert paid["overpayment_minor"] == 0
    assert story.names("ingest", "LoanOverdue", "LoanCured") == ["LoanOverdue", "LoanCured"]
    closed = story.one("LegalCaseClosed").data
    assert (closed["outcome"], closed["recovered_minor"]) == ("recovered", paid["amount_minor"])
    assert story.because_of("CaseClosed") == "LoanCured"
    assert story.one("CaseClosed").data["reason"] == "paid_off"


async def test_the_timeline_command_tells_the_loan_of_all_services_in_order(system: System, loan: TestLoan) -> None:
    told: list[dict[str, Any]] = await system.json_of("timeline", "--loan", loan.loan_id)
    places = [(e["occurred_at"], e["recorded_at"], PUBLISHERS.index(e["source"]), e["position"]) for e in told]
    assert places == sorted(places)
    assert {event["source"] for event in told} == {"ingest", "scoring", "outreach", "legal"}
    names = [event["type"] for event in told]
    milestones = [
        "LoanImported", "LoanOverdue", "PromiseMade", "PromiseBroken", "TreatmentExhausted", "EscalatedToLegal", "LoanCured",
    ]  # fmt: skip
    assert [name for name in names if name in milestones] == milestones
    code, printed, _ = await system.command("timeline", "--loan", loan.loan_id)
    assert code == 0
    assert all(name in printed for name in milestones)


async def test_the_console_shows_the_debtor_what_every_service_said(system: System, loan: TestLoan) -> None:
    story = await system.story(loan.debtor_id)
    async with browsing(system) as browser:
        await _sign_in(browser, f"/debtors/{loan.debtor_id}")
        for service in {line.service for line in story.lines}:
            shown = await browser.pages(f"/debtors/{loan.debtor_id}?order=old&lang=en&service={service}")
            anchors = [f'id="e-{line.event_id.replace("/", "-")}"' for line in story.lines if line.service == service]
            assert [anchor for anchor in anchors if anchor not in shown] == []
        assert loan.ref in await browser.pages(f"/debtors?q={loan.customer_ref}")


async def _sign_in(browser: Browser, path: str) -> None:
    landed = await browser.sign_in("auditor-1", path)
    assert (landed.status_code, landed.url.path) == (200, path)


async def test_audit_has_verified_every_log(system: System, loan: TestLoan) -> None:
    logs = await system.until_verified()
    assert {log["service"]: log["violations"] for log in logs} == {service: [] for service in PUBLISHERS}
    code, printed, said = await system.command("audit", "verify")
    assert code == 0, printed + said
    assert loan.ref  # its events are among those verified
    assert all(service in printed for service in PUBLISHERS)
