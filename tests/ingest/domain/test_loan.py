"""The loan account by given-when-then: booking, money in and out, ageing, cure."""

from __future__ import annotations

from datetime import date

import pytest
from tests.ingest.domain.loans import SCHEDULE, balance, booking, close_until, only, payment, reversal, run

from arrears.events import ingest as e
from arrears.events.registry import Event
from arrears.testing.specification import Specification
from ingest.domain import refusals
from ingest.domain.loan import LOAN
from ingest.domain.loan_commands import (
    AgeLoan,
    ChangeSchedule,
    ChargeFee,
    CompareWithHost,
    LoanCommand,
    ScheduleInstalment,
)
from ingest.domain.loan_state import LoanState
from ingest.domain.schedule import Instalment

spec: Specification[LoanCommand, LoanState] = Specification(LOAN)


def fee(amount_minor: int = 500, currency: str = "CNY") -> ChargeFee:
    return ChargeFee("F-1", "notice", amount_minor, currency, date(2025, 2, 10), "§ 7")


def booked() -> list[Event]:
    return run(booking())[1]


def test_a_booking_tells_the_loan_its_schedule_and_its_balance() -> None:
    events = spec.given().when(booking()).events
    assert [type(event).__name__ for event in events] == [
        "LoanImported", "InstallmentScheduled", "InstallmentScheduled", "InstallmentScheduled", "LoanBalanceChanged",
    ]  # fmt: skip
    told = balance(list(events))
    assert (told.due.total_minor, told.not_due.principal_minor, told.payoff_minor) == (0, 30_000, 30_000)


def test_a_repeated_booking_changes_nothing_and_another_one_is_refused() -> None:
    spec.given(*booked()).when(booking()).then_nothing()
    spec.given(*booked()).when(booking(principal_minor=1)).then_refused(refusals.LoanBookedDifferently)


@pytest.mark.parametrize(
    "instalments",
    [
        (Instalment(1, date(2024, 12, 31), 1),),
        (Instalment(1, date(2025, 2, 1), 1), Instalment(1, date(2025, 3, 1), 1)),
        (Instalment(1, date(2025, 3, 1), 1), Instalment(2, date(2025, 2, 1), 1)),
    ],
)
def test_a_schedule_that_contradicts_itself_is_refused(instalments: tuple[Instalment, ...]) -> None:
    spec.given().when(booking(instalments)).then_refused(refusals.InvalidSchedule)


@pytest.mark.parametrize(
    "command",
    [payment("P", 1, date(2025, 2, 1)), reversal("P", date(2025, 2, 1)), fee(), AgeLoan(date(2025, 2, 1))],
)
def test_facts_of_an_unknown_loan_are_refused(command: LoanCommand) -> None:
    spec.given().when(command).then_refused(refusals.LoanUnknown)


def test_money_that_cannot_belong_to_the_loan_is_refused() -> None:
    given = spec.given(*booked())
    given.when(payment("P", 1, date(2024, 12, 31))).then_refused(refusals.BeforeDisbursement)
    given.when(fee(currency="EUR")).then_refused(refusals.CurrencyMismatch)
    given.when(reversal("P", date(2025, 2, 1))).then_refused(refusals.RepaymentUnknown)


def test_a_posting_counts_once_and_may_not_change() -> None:
    _, events = run(booking(), payment("P", 100, date(2025, 2, 1)))
    spec.given(*events).when(payment("P", 100, date(2025, 2, 1))).then_nothing()
    spec.given(*events).when(payment("P", 101, date(2025, 2, 1))).then_refused(refusals.PostingChanged)


def test_a_payment_discharges_fees_penalty_interest_principal_of_the_oldest_instalment_first() -> None:
    loan, _ = run(booking())
    loan, _ = close_until(loan, date(2025, 3, 2))
    loan, events = run(fee(), payment("P", 11_000, date(2025, 3, 3)), loan=loan)
    received = only(events, e.RepaymentReceived)[0]
    # Penalty: 10,000 × 10.8 % × 30/360 = 90 on the first, 10,000 × 10.8 % × 2/360 = 6 on the second.
    assert [(p.no, p.component, p.amount_minor) for p in received.allocation] == [
        (1, "fee", 500), (1, "interest", 180), (1, "penalty", 90), (1, "principal", 10_000),
        (2, "interest", 120), (2, "penalty", 6), (2, "principal", 104),
    ]  # fmt: skip
    assert received.overpayment_minor == 0


def test_early_money_waits_for_the_due_date_and_then_no_episode_begins() -> None:
    loan, events = run(booking(), payment("P", 10_180, date(2025, 1, 20)))
    assert only(events, e.RepaymentReceived)[0].overpayment_minor == 10_180
    assert balance(events).payoff_minor == 30_000 + 110 - 10_180  # running interest 180 × 19/31
    loan, events = close_until(loan, date(2025, 2, 20))
    moved = only(events, e.RepaymentReallocated)[0]
    assert (moved.as_of, moved.cause, moved.overpayment_minor) == (date(2025, 2, 1), "due", 0)
    assert not only(events, e.LoanOverdue)


def test_an_instalment_is_announced_three_days_before_and_only_if_unpaid() -> None:
    loan, events = run(booking())
    loan, events = close_until(loan, date(2025, 1, 31))
    assert [(s.no, s.days_to_due, s.amount_minor) for s in only(events, e.InstallmentDueSoon)] == [(1, 3, 10_180)]
    paid, _ = run(booking(), payment("P", 10_180, date(2025, 1, 20)))
    assert not only(close_until(paid, date(2025, 1, 31))[1], e.InstallmentDueSoon)


def test_an_episode_opens_once_at_the_first_delinquent_close_and_buckets_follow_by_age() -> None:
    loan, _ = run(booking())
    loan, events = close_until(loan, date(2025, 8, 31))
    overdue = only(events, e.LoanOverdue)
    assert [(o.as_of, o.days_past_due, o.bucket, o.overdue_since) for o in overdue] == [
        (date(2025, 2, 2), 1, "M1", date(2025, 2, 1))
    ]
    assert overdue[0].overdue.penalty_minor == 3  # 10,000 × 10.8 % / 360
    moves = only(events, e.DelinquencyBucketChanged)
    assert [(m.to_bucket, m.days_past_due, m.as_of) for m in moves] == [
        ("M2", 31, date(2025, 3, 4)), ("M3", 61, date(2025, 4, 3)), ("M4", 91, date(2025, 5, 3)),
        ("M5", 121, date(2025, 6, 2)), ("M6", 151, date(2025, 7, 2)), ("M7P", 181, date(2025, 8, 1)),
    ]  # fmt: skip
    assert {m.cause for m in moves} == {"ageing"}
    assert LOAN.wakes_on(loan) is None  # nothing more can happen by time


def test_grace_delays_the_episode_not_the_days_past_due() -> None:
    loan, _ = run(booking(grace_days=3))
    _, events = close_until(loan, date(2025, 2, 10))
    opened = only(events, e.LoanOverdue)[0]
    assert (opened.as_of, opened.days_past_due) == (date(2025, 2, 5), 4)


def test_a_rest_within_the_tolerance_does_not_age() -> None:
    loan, _ = run(booking(tolerance_minor=100), payment("P", 10_080, date(2025, 2, 1)))
    assert not only(close_until(loan, date(2025, 2, 20))[1], e.LoanOverdue)


def test_a_skipped_close_opens_the_episode_at_the_next_one() -> None:
    loan, _ = run(booking())
    _, events = run(AgeLoan(date(2025, 3, 10)), loan=loan)
    opened = only(events, e.LoanOverdue)[0]
    assert (opened.as_of, opened.days_past_due, opened.bucket) == (date(2025, 3, 10), 37, "M2")


def test_a_payment_cures_with_its_value_date() -> None:
    loan, _ = close_until(run(booking())[0], date(2025, 2, 10))
    _, events = run(payment("P", 10_207, date(2025, 2, 8), told_on=date(2025, 2, 11)), loan=loan)
    cured = only(events, e.LoanCured)[0]
    assert (cured.cured_on, cured.days_past_due_max, cured.paid_off) == (date(2025, 2, 8), 6, False)


def test_a_part_payment_moves_the_loan_back_and_a_full_one_pays_it_off() -> None:
    loan, _ = close_until(run(booking())[0], date(2025, 4, 5))
    loan, events = run(payment("P", 10_400, date(2025, 4, 6)), loan=loan)
    moved = only(events, e.DelinquencyBucketChanged)[0]
    assert (moved.from_bucket, moved.to_bucket, moved.cause, moved.days_past_due) == ("M3", "M2", "payment", 36)
    rest = balance(events).payoff_minor
    _, events = run(payment("Q", rest + 7, date(2025, 4, 6)), loan=loan)
    assert only(events, e.LoanCured)[0].paid_off
    assert (balance(events).payoff_minor, balance(events).overpaid_minor) == (0, 7)


def test_a_reversal_before_the_cure_reopens_the_episode_and_one_after_it_begins_another() -> None:
    loan, events = close_until(run(booking())[0], date(2025, 2, 10))
    first = only(events, e.LoanOverdue)[0].episode_id
    cured, _ = run(payment("P", 10_500, date(2025, 2, 11)), loan=loan)
    _, events = run(reversal("P", date(2025, 2, 11)), loan=cured)
    reopened = only(events, e.DelinquencyBucketChanged)[0]
    assert (reopened.episode_id, reopened.from_bucket, reopened.to_bucket) == (first, "M0", "M1")
    later, events = run(reversal("P", date(2025, 2, 15)), loan=cured)
    assert not only(events, e.DelinquencyBucketChanged)
    _, events = close_until(later, date(2025, 2, 16), since=date(2025, 2, 16))
    again = only(events, e.LoanOverdue)[0]
    assert again.episode_id != first
    assert (again.prior_episodes, again.days_past_due) == (1, 15)


def test_a_backdated_payment_is_told_again_for_those_it_displaces() -> None:
    loan, _ = close_until(run(booking())[0], date(2025, 3, 9))
    loan, _ = run(payment("late", 10_290, date(2025, 3, 9)), loan=loan)
    _, events = run(payment("early", 10_180, date(2025, 2, 1), told_on=date(2025, 3, 10)), loan=loan)
    moved = only(events, e.RepaymentReallocated)[0]
    assert moved.cause == "payment"
    assert sum(p.amount_minor for p in moved.allocation) + moved.overpayment_minor == 10_290
    assert {p.no for p in moved.allocation} == {2}
    assert only(events, e.LoanCured)[0].cured_on == date(2025, 3, 9)


def test_money_of_a_later_value_date_waits_and_then_works_at_the_close() -> None:
    loan, _ = close_until(run(booking())[0], date(2025, 2, 2))
    loan, events = run(payment("P", 10_200, date(2025, 2, 6), told_on=date(2025, 2, 3)), loan=loan)
    assert not only(events, e.LoanCured)
    loan, events = close_until(loan, date(2025, 2, 6))
    assert only(events, e.LoanCured)[0].cured_on == date(2025, 2, 6)


def test_a_changed_schedule_counts_once_and_keeps_what_lies_before() -> None:
    change = ChangeSchedule("C-1", date(2025, 3, 1), (Instalment(2, date(2025, 6, 1), 20_000, 500),))
    loan, events = run(booking(), change)
    assert [(s.schedule_version, s.no, s.due_on) for s in only(events, e.InstallmentScheduled)[3:]] == [
        (2, 1, date(2025, 2, 1)), (2, 2, date(2025, 6, 1)),
    ]  # fmt: skip
    spec.given(*events).when(change).then_nothing()
    assert loan.facts.instalments == (SCHEDULE[0], Instalment(2, date(2025, 6, 1), 20_000, 500))


def test_one_instalment_may_be_told_alone() -> None:
    _, events = run(booking(), ScheduleInstalment("D-4", Instalment(4, date(2025, 5, 1), 900)))
    assert balance(events).not_due.principal_minor == 30_900
    spec.given(*events).when(ScheduleInstalment("D-5", Instalment(4, date(2025, 5, 1), 900))).then_nothing()


def test_a_host_that_counts_otherwise_is_reported_once() -> None:
    given = spec.given(*booked())
    given.when(CompareWithHost(10_180, date(2025, 2, 2))).then_nothing()
    found = given.when(CompareWithHost(9_000, date(2025, 2, 2)))
    divergence = found.events[0]
    assert isinstance(divergence, e.HostDivergenceDetected)
    assert (divergence.host_value, divergence.own_value) == ("9000", "10180")
    spec.given(*booked(), *found.events).when(CompareWithHost(9_000, date(2025, 2, 3))).then_nothing()
