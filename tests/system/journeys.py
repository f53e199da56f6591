"""The steps of a collection journey that more than one test walks, each through the public doors."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any, Final

import pytest
from tests.system.loans import TestLoan
from tests.system.running import Story, System

from arrears.auth.principal import Role
from arrears_local.doors import Refused

DAY: Final = timedelta(days=1)


async def fall_overdue(system: System, on: date, *loans: TestLoan) -> None:
    """Book loans the day before `on` and close `on`: each falls overdue, and has its case and its treatment."""
    await system.move_clock(on - DAY, time(8))
    await system.told(*(loan.booked() for loan in loans))
    await system.close_day(on)
    for loan in loans:
        check_opened(await system.story(loan.debtor_id), loan, (on - loan.due_on).days)


def check_opened(story: Story, loan: TestLoan, days: int) -> None:
    """The overdue loan has a score, a segment, a treatment and a case that follows it; each says what caused it."""
    overdue = story.one("LoanOverdue").data
    assert (overdue["loan_id"], overdue["days_past_due"]) == (loan.loan_id, days)
    assert (overdue["total_due_minor"], overdue["currency"]) == (loan.amount_minor, loan.currency)
    chosen = story.names("scoring", "DebtorScored", "SegmentAssigned", "TreatmentSelected")
    assert chosen == ["DebtorScored", "SegmentAssigned", "TreatmentSelected"]
    assert {"CaseOpened", "TreatmentAdopted"} <= set(story.names("outreach"))
    assert story.because_of("DebtorScored") == story.because_of("CaseOpened") == "LoanOverdue"
    assert story.one("CaseOpened").data["total_overdue_minor"] == loan.amount_minor


async def promise_on_the_phone(
    system: System, loan: TestLoan, collector: str, amount_minor: int, due_on: date
) -> dict[str, Any]:
    """A collector calls with a permit, reaches the debtor, reports it, and takes the promise."""
    decision = await system.call(collector, loan.debtor_id, template_id="collection-call")
    assert decision["permitted"], decision["failed"]
    attempt, doors = decision["attempt_id"], system.person(collector)
    outcome = {
        "debtor_id": loan.debtor_id, "disposition": "RPC_PTP", "party": "debtor", "duration_seconds": 140,
        "demand_made": True,
    }  # fmt: skip
    await doors.post("outreach", f"/v1/contacts/{attempt}/outcome", outcome)
    body = {
        "debtor_id": loan.debtor_id, "loan_id": loan.loan_id, "attempt_id": attempt,
        "parts": [{"due_on": due_on.isoformat(), "amount_minor": amount_minor}],
    }  # fmt: skip
    made: dict[str, Any] = await doors.post("outreach", "/v1/promises", body)
    await system.quiet()
    return made


async def refused(system: System, collector: str, loan: TestLoan, reason_code: str, **wish: str) -> dict[str, Any]:
    """Ask the gate for a contact and check that it says no, with this reason, and keeps its answer."""
    blocked = await system.call(collector, loan.debtor_id, **wish)
    assert not blocked["permitted"]
    assert reason_code in {rule["reason_code"] for rule in blocked["failed"]}
    await system.quiet()
    kept = [line.data for line in (await system.story(loan.debtor_id)).all("ContactBlocked")]
    assert blocked["attempt_id"] in {data["attempt_id"] for data in kept}
    return blocked


async def approve_twice(system: System, loan: TestLoan) -> dict[str, Any]:
    """Two people grant the open proposal; who asked for it, one person twice, or a wrong role does not count."""
    page = await system.person("legal-1").get("legal", "/v1/proposals", status="open", limit="100")
    (proposal,) = [item for item in page["items"] if item["debtor_id"] == loan.debtor_id]
    path = f"/v1/proposals/{proposal['approval_id']}/approvals"
    with pytest.raises(Refused) as outsider:
        await system.person("collector-1").post("legal", path, {})
    assert outsider.value.status == 403
    requester = {
        "Authorization": f"Bearer {system.token_of(Role.legal, proposal['requested_by'])}",
        "Idempotency-Key": "1",
    }
    own = await system.http.post(system.doors.url("legal") + path, json={}, headers=requester)
    assert (own.status_code, own.json()["code"]) == (403, "self-approval")
    first = await system.person("legal-1").post("legal", path, {})
    assert (first["status"], first["granted_by"], first["legal_case_id"]) == ("open", ["legal-1"], None)
    with pytest.raises(Refused) as again:
        await system.person("legal-1").post("legal", path, {})
    assert again.value.status == 409
    second: dict[str, Any] = await system.person("lead-1").post("legal", path, {})
    assert (second["status"], second["granted_by"]) == ("granted", ["legal-1", "lead-1"])
    await system.quiet()
    return second
