"""Legal as a service: from the advice to two people's grants, the claim, the money, and the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from tests.service_world import NOON, ServiceWorld, folded_one_by_one, service_world

from arrears.auth.principal import Role
from arrears.database import Database
from arrears.events.ingest import (
    DelinquencyBucketChanged,
    LoanBalanceChanged,
    LoanCured,
    LoanOverdue,
    RepaymentReceived,
    RepaymentReversed,
)
from arrears.events.legal import Claim, EscalatedToLegal, LegalCaseClosed
from arrears.events.outreach import CaseClosed
from arrears.events.scoring import EscalationRecommended
from arrears.projections import Projection
from arrears.values.balance import Accruing, Components
from legal.entrypoints.definition import LEGAL
from legal.projections.legal_board import LEGAL_BOARD
from legal.projections.proposal_inbox import PROPOSAL_INBOX

DAY = date(2026, 3, 2)
DUE = Components(principal_minor=1_000_000, interest_minor=20_000, fee_minor=500)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[ServiceWorld]:
    async with service_world(LEGAL, database) as opened:
        yield opened


def overdue(loan_id: str = "loan-1") -> LoanOverdue:
    return LoanOverdue(
        loan_id=loan_id, episode_id=f"{loan_id}/1", overdue_since=DAY, as_of=DAY, days_past_due=1, bucket="M1",
        currency="CNY", overdue=DUE, total_due_minor=DUE.total_minor, payoff_minor=DUE.total_minor, oldest_no=1,
        prior_episodes=0,
    )  # fmt: skip


def balance(loan_id: str = "loan-1", due: Components = DUE) -> LoanBalanceChanged:
    penalty = Accruing(kind="penalty", base_minor=due.principal_minor, rate="0.15", day_count="ACT360", from_on=DAY)
    return LoanBalanceChanged(
        loan_id=loan_id, as_of=DAY, currency="CNY", due=due, not_due=Components(), accruing=(penalty,),
        payoff_minor=due.total_minor,
    )  # fmt: skip


def cured(loan_id: str = "loan-1") -> LoanCured:
    return LoanCured(
        loan_id=loan_id, episode_id=f"{loan_id}/1", cured_on=DAY, days_past_due_max=40, cured_by="self", paid_off=True
    )


def advice(*loan_ids: str, target: Any = "legal") -> EscalationRecommended:
    return EscalationRecommended(
        case_id="case-1", loan_ids=loan_ids or ("loan-1",), target=target, expected_net_minor=760_000,
        cost_minor=90_000, reasons=("treatment_exhausted",), currency="CNY",
    )  # fmt: skip


def paid(amount: int, overpaid: int = 0, repayment_id: str = "r-1") -> RepaymentReceived:
    return RepaymentReceived(
        repayment_id=repayment_id, loan_id="loan-1", amount_minor=amount, currency="CNY", value_on=DAY,
        received_at=NOON, channel="court", payer_kind="court", external_txn="t", allocation=(),
        overpayment_minor=overpaid, policy_id="p",
    )  # fmt: skip


def taken_back(repayment_id: str = "r-1") -> RepaymentReversed:
    return RepaymentReversed(
        repayment_id=repayment_id, loan_id="loan-1", amount_minor=100, currency="CNY", value_on=DAY, reason="bounce",
        restored=(), overpayment_minor=0,
    )  # fmt: skip


async def proposed(world: ServiceWorld) -> str:
    """Bring a debtor's overdue loan to a proposal on the day after `DAY` closed; return the approval's id."""
    await world.hear("ingest", "debtor", overdue(), balance())
    await world.close_day(DAY)
    await world.hear("scoring", "debtor", advice(), effective_on=DAY)
    (row,) = await world.rows("SELECT approval_id FROM read.proposal_inbox WHERE status = 'open'")
    return str(row["approval_id"])


async def decide(
    world: ServiceWorld, approval_id: str, person: str, key: str = "k-1", role: Role = Role.legal, **body: str
) -> httpx.Response:
    path = "refusals" if body else "approvals"
    async with world.client(person, role) as client:
        answer = await client.post(
            f"/v1/proposals/{approval_id}/{path}", headers={"Idempotency-Key": key}, json=body or None
        )
    await world.project()
    return answer


async def escalated(world: ServiceWorld) -> str:
    """Bring a debt through both grants; return the legal case's id."""
    approval_id = await proposed(world)
    await decide(world, approval_id, "lin")
    return str((await decide(world, approval_id, "wang")).json()["legal_case_id"])


async def test_two_people_escalate_the_debt_with_the_claim_of_the_last_closed_day(world: ServiceWorld) -> None:
    approval_id = await proposed(world)
    await world.close_day(DAY + timedelta(days=12))
    first = await decide(world, approval_id, "lin")
    assert first.json() | {"event_ids": []} == {
        "approval_id": approval_id, "status": "open", "granted_by": ["lin"], "approvals_needed": 2,
        "legal_case_id": None, "event_ids": [],
    }  # fmt: skip
    second = await decide(world, approval_id, "wang", role=Role.lead)
    assert (second.status_code, second.json()["status"]) == (200, "granted")
    event = (await world.log())[-1]
    assert isinstance(event.data, EscalatedToLegal)
    # 10,000.00 × 15 % × 12 / 360 = 50.00
    assert event.data.claim == Claim(
        principal_minor=1_000_000, interest_minor=20_000, penalty_minor=5_000, cost_minor=500
    )
    assert (event.data.as_of, event.data.route) == (DAY + timedelta(days=12), "small_claims")
    assert event.data.approved_by == ("lin", "wang")
    assert (event.meta.actor.kind, event.meta.actor.id) == ("user", "wang")
    async with world.client("sun", Role.auditor) as client:
        case = (await client.get(f"/v1/cases/{second.json()['legal_case_id']}")).json()
    assert (case["status"], case["claim"]["total_minor"]) == ("escalated", 1_025_500)
    assert case["court_fees"]["ordinary_minor"] == 5_638  # 50 + 2.5 % of 255.00
    assert case["approved_by"] == ["lin", "wang"]


async def test_the_same_request_answers_the_same_and_counts_once(world: ServiceWorld) -> None:
    approval_id = await proposed(world)
    first = await decide(world, approval_id, "lin", key="same")
    again = await decide(world, approval_id, "lin", key="same")
    assert again.json() == first.json()
    assert (await world.names()).count("ApprovalGranted") == 1


async def test_the_same_person_cannot_approve_twice(world: ServiceWorld) -> None:
    approval_id = await proposed(world)
    await decide(world, approval_id, "lin", key="one")
    twice = await decide(world, approval_id, "lin", key="two")
    assert (twice.status_code, twice.json()["code"]) == (409, "already-granted")
    assert "EscalatedToLegal" not in await world.names()


async def test_who_proposed_cannot_approve(world: ServiceWorld) -> None:
    answer = await decide(world, await proposed(world), "scoring")
    assert (answer.status_code, answer.json()["code"]) == (403, "self-approval")


async def test_a_collector_cannot_approve(world: ServiceWorld) -> None:
    answer = await decide(world, await proposed(world), "lin", role=Role.collector)
    assert (answer.status_code, answer.json()["code"]) == (403, "role-missing")


async def test_an_unknown_proposal_is_not_found(world: ServiceWorld) -> None:
    answer = await decide(world, "nothing", "lin")
    assert (answer.status_code, answer.json()["code"]) == (404, "proposal-not-found")


async def test_nobody_can_decide_before_a_day_has_closed(world: ServiceWorld) -> None:
    await world.hear("ingest", "debtor", overdue(), balance())
    await world.hear("scoring", "debtor", advice(), effective_on=DAY)
    (row,) = await world.rows("SELECT approval_id FROM read.proposal_inbox")
    answer = await decide(world, row["approval_id"], "lin")
    assert (answer.status_code, answer.json()["code"]) == (409, "no-day-closed")


async def test_a_refusal_ends_the_proposal_and_lets_the_debt_go(world: ServiceWorld) -> None:
    approval_id = await proposed(world)
    answer = await decide(world, approval_id, "lin", reason="the debtor is ill")
    assert (answer.status_code, answer.json()["status"]) == (200, "refused")
    assert (await world.names())[-2:] == ["ApprovalRefused", "DebtReleased"]
    late = await decide(world, approval_id, "wang", key="k-2")
    assert (late.status_code, late.json()["code"]) == (409, "approval-ended")
    await world.hear("scoring", "debtor", advice(), effective_on=DAY)
    rows = await world.rows("SELECT status FROM read.proposal_inbox ORDER BY status")
    assert [row["status"] for row in rows] == ["open", "refused"]


async def test_a_refusal_needs_a_reason(world: ServiceWorld) -> None:
    assert (await decide(world, await proposed(world), "lin", reason="")).status_code == 422


async def test_a_proposal_that_nobody_decides_expires_at_the_close_of_its_last_day(world: ServiceWorld) -> None:
    await proposed(world)
    await world.close_day(DAY + timedelta(days=13))
    assert "ApprovalExpired" not in await world.names()
    await world.close_day(DAY + timedelta(days=14))
    assert (await world.names())[-2:] == ["ApprovalExpired", "DebtReleased"]
    await world.close_day(DAY + timedelta(days=15))
    assert (await world.names()).count("ApprovalExpired") == 1


async def test_the_cure_of_all_loans_takes_the_proposal_away(world: ServiceWorld) -> None:
    await world.hear("ingest", "debtor", overdue(), overdue("loan-2"))
    await world.hear("scoring", "debtor", advice("loan-1", "loan-2"), effective_on=DAY)
    await world.hear("ingest", "debtor", cured())
    assert "ApprovalExpired" not in await world.names()
    await world.hear("ingest", "debtor", cured("loan-2"))
    assert (await world.names())[-3:] == ["ClaimExtinguished", "ApprovalExpired", "DebtReleased"]
    assert await world.rows("SELECT ended_reason FROM read.proposal_inbox") == [{"ended_reason": "subject_gone"}]


async def test_an_advice_that_the_cure_overtook_is_not_proposed(world: ServiceWorld) -> None:
    await world.hear("ingest", "debtor", overdue(), cured())
    await world.hear("scoring", "debtor", advice(), effective_on=DAY)
    assert "EscalationProposed" not in await world.names()


async def test_an_advice_for_another_target_is_not_ours(world: ServiceWorld) -> None:
    await world.hear("ingest", "debtor", overdue())
    await world.hear("scoring", "debtor", advice(target="agency"), effective_on=DAY)
    assert "EscalationProposed" not in await world.names()


async def test_money_counts_as_recovered_and_the_cure_closes_the_case(world: ServiceWorld) -> None:
    legal_case_id = await escalated(world)
    await world.hear(
        "ingest",
        "debtor",
        paid(100_000),
        paid(950_000, overpaid=25_000, repayment_id="r-2"),
        taken_back("r-1"),
        cured(),
    )
    assert (await world.names())[-6:] == [
        "ClaimReduced", "ClaimReduced", "ClaimRestored", "ClaimExtinguished", "LegalCaseClosed", "DebtReleased",
    ]  # fmt: skip
    closed = next(event.data for event in await world.log() if isinstance(event.data, LegalCaseClosed))
    assert (closed.outcome, closed.recovered_minor, closed.legal_case_id) == ("recovered", 925_000, legal_case_id)
    (row,) = await world.rows("SELECT status, recovered_minor, outcome, closed_on FROM read.legal_board")
    assert row == {"status": "closed", "recovered_minor": 925_000, "outcome": "recovered", "closed_on": DAY}
    await world.hear("ingest", "debtor", paid(5, repayment_id="r-3"))
    assert (await world.names()).count("ClaimReduced") == 2


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("cured", "withdrawn"), ("paid_off", "withdrawn"), ("settled", "settled"), ("uncollectable", "uncollectable"),
        ("sold", "withdrawn"), ("deceased", "withdrawn"),
    ],
)  # fmt: skip
async def test_the_end_of_the_collection_case_ends_the_legal_case(
    world: ServiceWorld, reason: Any, outcome: str
) -> None:
    await escalated(world)
    await world.hear("outreach", "debtor", CaseClosed(case_id="case-1", reason=reason, on=DAY))
    closed = next(event.data for event in await world.log() if isinstance(event.data, LegalCaseClosed))
    assert (closed.outcome, closed.cost_minor) == (outcome, 0)
    assert (await world.names())[-1] == "DebtReleased"


async def test_a_collection_case_without_legal_action_ends_without_a_trace(world: ServiceWorld) -> None:
    await world.hear("outreach", "debtor", CaseClosed(case_id="case-9", reason="cured", on=DAY))
    assert await world.log() == []


async def test_the_claim_of_a_loan_whose_cure_was_undone_is_followed_again(world: ServiceWorld) -> None:
    moved = DelinquencyBucketChanged(
        loan_id="loan-1", episode_id="loan-1/1", from_bucket="M1", to_bucket="M1", days_past_due=9, delinquent_days=9,
        as_of=DAY, cause="reversal",
    )  # fmt: skip
    await world.hear("ingest", "debtor", overdue(), cured(), taken_back(), moved, balance())
    assert await world.names() == [
        "ClaimBalanceChanged", "ClaimExtinguished", "ClaimBalanceChanged", "ClaimBalanceChanged",
    ]  # fmt: skip


async def test_debtors_in_good_standing_leave_no_trace(world: ServiceWorld) -> None:
    await world.hear("ingest", "debtor", balance(), paid(5), cured())
    assert await world.log() == []


async def test_the_inbox_is_read_page_by_page(world: ServiceWorld) -> None:
    for number in range(3):
        debtor = f"debtor-{number}"
        await world.hear("ingest", debtor, overdue(f"loan-{number}"))
        one = EscalationRecommended(
            case_id=f"case-{number}", loan_ids=(f"loan-{number}",), target="legal", expected_net_minor=1, cost_minor=1,
            reasons=("treatment_exhausted",), currency="CNY",
        )  # fmt: skip
        await world.hear("scoring", debtor, one, effective_on=DAY + timedelta(days=number))
    async with world.client("lin", Role.lead) as client:
        first = (await client.get("/v1/proposals", params={"limit": 2})).json()
        second = (await client.get("/v1/proposals", params={"limit": 2, "after": first["next"]})).json()
        none = (await client.get("/v1/proposals", params={"status": "refused"})).json()
        broken = await client.get("/v1/proposals", params={"after": "WzFd"})
    assert [item["case_id"] for item in first["items"] + second["items"]] == ["case-0", "case-1", "case-2"]
    assert second["next"] is None and none == {"items": [], "next": None}
    assert first["items"][0]["loan_ids"] == ["loan-0"]
    assert (broken.status_code, broken.json()["code"]) == (400, "cursor-invalid")


async def test_an_unknown_case_is_not_found(world: ServiceWorld) -> None:
    async with world.client("lin", Role.legal) as client:
        answer = await client.get("/v1/cases/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "legal-case-not-found")


@pytest.mark.parametrize("projection", [PROPOSAL_INBOX, LEGAL_BOARD], ids=lambda each: each.name)
async def test_a_read_model_does_not_depend_on_where_pages_end(world: ServiceWorld, projection: Projection) -> None:
    await escalated(world)
    await world.hear("ingest", "debtor", paid(100_000), taken_back(), paid(7, repayment_id="r-2"), cured())
    live = await world.rows(f"SELECT * FROM read.{projection.name} ORDER BY {projection.order_by}")
    assert live and live == await folded_one_by_one(world, projection)
