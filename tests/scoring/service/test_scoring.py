"""Scoring as a service: what it hears, what it writes into its log, what it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import msgspec
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
)
from arrears.events.outreach import ContactAttempted, PromiseBroken, PromiseKept, TreatmentExhausted
from arrears.events.scoring import EscalationRecommended
from arrears.values.balance import Components
from scoring.entrypoints.definition import SCORING
from scoring.projections.treatment_board import TREATMENT_BOARD

DAY = date(2026, 3, 2)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[ServiceWorld]:
    async with service_world(SCORING, database) as opened:
        yield opened


def overdue(loan_id: str = "loan-1", amount: int = 2_000_000) -> LoanOverdue:
    return LoanOverdue(
        loan_id=loan_id, episode_id=f"{loan_id}/1", overdue_since=DAY, as_of=DAY + timedelta(days=1), days_past_due=1,
        bucket="M1", currency="CNY", overdue=Components(principal_minor=amount), total_due_minor=amount,
        payoff_minor=amount, oldest_no=1, prior_episodes=0,
    )  # fmt: skip


def bucket(days: int, to: Any, from_bucket: Any = "M1") -> DelinquencyBucketChanged:
    return DelinquencyBucketChanged(
        loan_id="loan-1", episode_id="loan-1/1", from_bucket=from_bucket, to_bucket=to, days_past_due=days,
        delinquent_days=days, as_of=DAY + timedelta(days=days), cause="ageing",
    )  # fmt: skip


def attempted(right_party: bool) -> ContactAttempted:
    return ContactAttempted(
        attempt_id="a-1", case_id="case-1", loan_ids=("loan-1",), channel="voice", direction="outbound",
        contact_point_id="p-1", started_at=NOON, duration_seconds=60,
        disposition="RPC_PTP" if right_party else "NO_ANSWER", party="debtor" if right_party else "none",
        right_party=right_party, initiated_by="human",
    )  # fmt: skip


def paid(loan_id: str = "loan-1") -> RepaymentReceived:
    return RepaymentReceived(
        repayment_id="r-1", loan_id=loan_id, amount_minor=500_000, currency="CNY", value_on=DAY, received_at=NOON,
        channel="transfer", payer_kind="debtor", external_txn="t-1", allocation=(), overpayment_minor=0, policy_id="p",
    )  # fmt: skip


EXHAUSTED = TreatmentExhausted(
    case_id="case-1", loan_ids=("loan-1",), strategy_id="light-remind", version=1, last_step=6,
    on=DAY + timedelta(days=31),
)  # fmt: skip


async def test_the_whole_way_from_overdue_to_advice_to_cure(world: ServiceWorld) -> None:
    await world.hear("ingest", "debtor", overdue())
    assert await world.names() == ["DelinquencyObserved", "DebtorScored", "SegmentAssigned", "TreatmentSelected"]
    await world.hear(
        "outreach", "debtor", attempted(True), attempted(False), PromiseKept(
            promise_id="p-1", on=DAY, paid_minor=1, repayment_ids=("r-1",)
        ), PromiseBroken(promise_id="p-2", on=DAY, paid_minor=0, shortfall_minor=1, as_of=DAY),
    )  # fmt: skip
    balance = LoanBalanceChanged(
        loan_id="loan-1", as_of=DAY, currency="CNY", due=Components(principal_minor=1_500_000), not_due=Components(),
        accruing=(), payoff_minor=1_500_000,
    )  # fmt: skip
    await world.hear("ingest", "debtor", paid(), balance, bucket(31, "M2"))
    await world.hear("outreach", "debtor", EXHAUSTED)
    await world.hear(
        "ingest", "debtor",
        LoanCured(
            loan_id="loan-1", episode_id="loan-1/1", cured_on=DAY, days_past_due_max=35, cured_by="legal", paid_off=True
        ),
    )  # fmt: skip
    assert (await world.names())[4:] == [
        "BehaviourObserved", "BehaviourObserved", "BehaviourObserved", "BehaviourObserved", "BehaviourObserved",
        "DelinquencyObserved", "DelinquencyObserved", "DebtorScored", "SegmentAssigned", "TreatmentSelected",
        "AssessmentEnded",
    ]  # fmt: skip
    assert world.parked == []


async def test_the_advice_carries_the_day_on_which_the_strategy_ended(world: ServiceWorld) -> None:
    await world.hear("ingest", "debtor", overdue())
    await world.hear("outreach", "debtor", EXHAUSTED)
    advice = (await world.log())[-1]
    assert isinstance(advice.data, EscalationRecommended)
    assert (advice.data.case_id, advice.data.loan_ids, advice.data.currency) == ("case-1", ("loan-1",), "CNY")
    assert advice.meta.effective_on == EXHAUSTED.on
    assert advice.meta.causation == "outreach/1"


async def test_a_record_that_comes_twice_counts_once(world: ServiceWorld) -> None:
    record = world.record("ingest", "debtor", overdue())
    await world.hear_records([record, record])
    await world.hear_records([record])
    assert len(await world.log()) == 4


async def test_debtors_in_good_standing_leave_no_trace(world: ServiceWorld) -> None:
    await world.hear("ingest", "debtor", paid(), bucket(5, "M1"))
    await world.hear("outreach", "debtor", attempted(True), EXHAUSTED)
    assert await world.log() == []


async def test_the_board_and_the_route_show_the_last_assessment(world: ServiceWorld) -> None:
    await world.hear("ingest", "debtor", overdue())
    async with world.client("lin", Role.collector) as client:
        answer = await client.get("/v1/debtors/debtor/assessment")
        assert answer.status_code == 200
        body = answer.json()
        assert (body["segment"], body["band"], body["strategy_id"], body["status"]) == (
            "light", "A", "light-remind", "overdue",
        )  # fmt: skip
        assert body["model_id"] == "expert-scorecard"
        await world.hear("outreach", "debtor", EXHAUSTED)
        body = (await client.get("/v1/debtors/debtor/assessment")).json()
        assert (body["status"], body["escalation_target"], body["expected_net_minor"]) == (
            "escalated",
            "legal",
            1_102_000,
        )
        cured = LoanCured(loan_id="loan-1", episode_id="loan-1/1", cured_on=DAY, days_past_due_max=35, cured_by="self")
        await world.hear("ingest", "debtor", cured)
        body = (await client.get("/v1/debtors/debtor/assessment")).json()
        assert (body["status"], body["segment"]) == ("cured", "light")


async def test_an_unknown_debtor_is_not_found(world: ServiceWorld) -> None:
    async with world.client("lin", Role.collector) as client:
        answer = await client.get("/v1/debtors/nobody/assessment")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-assessed")


async def test_an_agency_may_not_read_assessments(world: ServiceWorld) -> None:
    async with world.client("agency", Role.agency) as client:
        assert (await client.get("/v1/debtors/debtor/assessment")).status_code == 403


async def test_the_board_does_not_depend_on_where_pages_end(world: ServiceWorld) -> None:
    cured = LoanCured(loan_id="loan-1", episode_id="loan-1/1", cured_on=DAY, days_past_due_max=35, cured_by="self")
    again = msgspec.structs.replace(overdue(), episode_id="loan-1/2")
    await world.hear("ingest", "debtor", overdue(), bucket(61, "M3"), cured, again)
    live = await world.rows("SELECT * FROM read.treatment_board ORDER BY debtor_id")
    assert live and live == await folded_one_by_one(world, TREATMENT_BOARD)
    assert live[0]["status"] == "overdue"
