"""Promises: what is accepted, what keeps one, what breaks one, and what a reversal or a backdated payment changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.outreach.domain.facts import CASE_ID, DAY, LOAN

from arrears.events.outreach import (
    PromiseBroken,
    PromiseCancelled,
    PromiseKept,
    PromiseMade,
    PromisePart,
    PromisePartlyKept,
    PromisePartMet,
    PromisePaymentMatched,
    PromisePaymentUnmatched,
    PromiseReinstated,
)
from arrears.testing.specification import Specification
from arrears.values.identity import derived_id
from outreach.domain.promise import (
    PROMISE,
    CancelPromise,
    EvaluatePromise,
    MatchRepayment,
    TakePromise,
    UnmatchRepayment,
)
from outreach.domain.refusals import PromiseAboveDebt, PromiseAlreadyOpen, PromiseInvalid, PromiseTooFar

spec = Specification(PROMISE)
FIRST = derived_id("promise", LOAN, "0")
DUE = DAY + timedelta(days=7)
GRACE_END = DUE + timedelta(days=2)


def part(no: int, due_on: date, minor: int) -> PromisePart:
    return PromisePart(no=no, due_on=due_on, amount_minor=minor)


TAKE = TakePromise(LOAN, CASE_ID, (part(1, DUE, 10_000),), "CNY", DAY, 50_000, "user:lin", attempt_id="a1")


def made(*parts: PromisePart, promise_id: str = FIRST) -> PromiseMade:
    parts = parts or TAKE.parts
    return PromiseMade(
        promise_id=promise_id, case_id=CASE_ID, loan_ids=(LOAN,), parts=parts,
        total_minor=sum(p.amount_minor for p in parts), currency="CNY", grace_days=2, tolerance_minor=100,
        promised_on=DAY, pay_channel="transfer", made_by="debtor", attempt_id="a1", acknowledges_debt=True,
        taken_by="user:lin",
    )  # fmt: skip


def paid(repayment: str, minor: int, on: date) -> MatchRepayment:
    return MatchRepayment(repayment, minor, on, on)


def matched(repayment: str, minor: int, on: date) -> PromisePaymentMatched:
    return PromisePaymentMatched(
        promise_id=FIRST, repayment_id=repayment, amount_minor=minor, value_on=on, loan_ids=(LOAN,)
    )


def kept(on: date, minor: int, *repayments: str) -> PromiseKept:
    return PromiseKept(promise_id=FIRST, on=on, paid_minor=minor, repayment_ids=repayments, loan_ids=(LOAN,))


def broken(on: date, shortfall: int = 10_000) -> PromiseBroken:
    return PromiseBroken(promise_id=FIRST, on=on, paid_minor=0, shortfall_minor=shortfall, as_of=on, loan_ids=(LOAN,))


def test_a_promise_is_taken_and_waits_for_its_last_day() -> None:
    state = spec.given().when(TAKE).then(made())
    assert PROMISE.wakes_on(state) == GRACE_END


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"parts": ()}, PromiseInvalid),
        ({"parts": (part(2, DUE, 10_000),)}, PromiseInvalid),
        ({"parts": (part(1, DAY - timedelta(days=1), 10_000),)}, PromiseInvalid),
        ({"parts": (part(1, DUE, 5_000), part(2, DUE, 5_000))}, PromiseInvalid),
        ({"parts": (part(1, DAY + timedelta(days=31), 10_000),)}, PromiseTooFar),
        ({"parts": (part(1, DUE, 50_001),)}, PromiseAboveDebt),
    ],
)
def test_a_promise_that_cannot_be_is_refused(changes: dict[str, Any], refusal: Any) -> None:
    spec.given().when(replace(TAKE, **changes)).then_refused(refusal)


def test_a_loan_has_one_open_promise_and_a_new_one_must_name_it() -> None:
    second = derived_id("promise", LOAN, "1")
    spec.given(made()).when(TAKE).then_refused(PromiseAlreadyOpen)
    cancelled = PromiseCancelled(promise_id=FIRST, reason="superseded", on=DAY, loan_ids=(LOAN,))
    spec.given(made()).when(replace(TAKE, supersedes=FIRST)).then(cancelled, made(promise_id=second))
    spec.given(made(), broken(GRACE_END)).when(TAKE).then(made(promise_id=second))


def test_it_is_kept_as_soon_as_all_of_it_arrived() -> None:
    spec.given(made()).when(paid("r1", 10_000, DUE)).then(matched("r1", 10_000, DUE), kept(DUE, 10_000, "r1"))


def test_money_adds_up_and_a_shortfall_within_the_tolerance_is_overlooked() -> None:
    spec.given(made(), matched("r1", 4_000, DAY)).when(paid("r2", 5_900, GRACE_END)).then(
        matched("r2", 5_900, GRACE_END), kept(GRACE_END, 9_900, "r1", "r2")
    )


def test_the_same_repayment_counts_once() -> None:
    spec.given(made(), matched("r1", 4_000, DAY)).when(paid("r1", 4_000, DAY)).then_nothing()


def test_money_from_before_the_promise_or_after_its_last_day_does_not_count() -> None:
    spec.given(made()).when(paid("r1", 10_000, DAY - timedelta(days=1))).then_nothing()
    spec.given(made()).when(paid("r1", 10_000, GRACE_END + timedelta(days=1))).then_nothing()


def test_nothing_is_judged_before_the_last_day_of_grace_is_over() -> None:
    spec.given(made()).when(EvaluatePromise(GRACE_END - timedelta(days=1))).then_nothing()


def test_nothing_paid_breaks_it_something_paid_keeps_it_partly() -> None:
    state = spec.given(made()).when(EvaluatePromise(GRACE_END)).then(broken(GRACE_END))
    assert PROMISE.wakes_on(state) is None
    spec.given(made(), matched("r1", 4_000, DUE)).when(EvaluatePromise(GRACE_END)).then(
        PromisePartlyKept(promise_id=FIRST, on=GRACE_END, paid_minor=4_000, shortfall_minor=6_000, loan_ids=(LOAN,))
    )


LATER = DUE + timedelta(days=7)
TWO = (part(1, DUE, 10_000), part(2, LATER, 5_000))


def test_each_part_has_its_own_last_day() -> None:
    met = PromisePartMet(promise_id=FIRST, no=1, on=GRACE_END, paid_minor=10_000, loan_ids=(LOAN,))
    state = spec.given(made(*TWO), matched("r1", 10_000, DUE)).when(EvaluatePromise(GRACE_END)).then(met)
    assert PROMISE.wakes_on(state) == LATER + timedelta(days=2)
    spec.given(made(*TWO)).when(EvaluatePromise(GRACE_END)).then(broken(GRACE_END))
    end = LATER + timedelta(days=2)
    spec.given(made(*TWO), matched("r1", 10_000, DUE), met).when(EvaluatePromise(end)).then(
        PromisePartlyKept(promise_id=FIRST, on=end, paid_minor=10_000, shortfall_minor=5_000, loan_ids=(LOAN,))
    )


def test_a_backdated_payment_brings_a_broken_promise_back() -> None:
    known = GRACE_END + timedelta(days=5)
    spec.given(made(), broken(GRACE_END)).when(MatchRepayment("r1", 10_000, DUE, known)).then(
        matched("r1", 10_000, DUE),
        PromiseReinstated(promise_id=FIRST, cause="r1", on=known, loan_ids=(LOAN,)),
        kept(known, 10_000, "r1"),
    )


def unmatched(on: date) -> PromisePaymentUnmatched:
    return PromisePaymentUnmatched(promise_id=FIRST, repayment_id="r1", on=on, loan_ids=(LOAN,))


def test_a_reversal_breaks_a_kept_promise_whose_last_day_is_over() -> None:
    known = GRACE_END + timedelta(days=5)
    history = (made(), matched("r1", 10_000, DUE), kept(DUE, 10_000, "r1"))
    spec.given(*history).when(UnmatchRepayment("r1", known)).then(
        unmatched(known),
        PromiseReinstated(promise_id=FIRST, cause="r1", on=known, loan_ids=(LOAN,)),
        broken(known - timedelta(days=1)),
    )


def test_a_reversal_before_the_last_day_opens_it_again() -> None:
    history = (made(), matched("r1", 10_000, DAY), kept(DAY, 10_000, "r1"))
    state = (
        spec.given(*history)
        .when(UnmatchRepayment("r1", DUE))
        .then(unmatched(DUE), PromiseReinstated(promise_id=FIRST, cause="r1", on=DUE, loan_ids=(LOAN,)))
    )
    assert PROMISE.wakes_on(state) == GRACE_END


def test_it_can_lose_its_object() -> None:
    spec.given(made()).when(CancelPromise("paid_other", DUE)).then(
        PromiseCancelled(promise_id=FIRST, reason="paid_other", on=DUE, loan_ids=(LOAN,))
    )
    spec.given().when(CancelPromise("paid_other", DUE)).then_nothing()


repayments = st.lists(
    st.tuples(st.integers(0, 25), st.integers(1, 9_000), st.booleans()), max_size=8
)  # (day, amount, taken back later)


@settings(deadline=None)
@given(repayments)
def test_the_outcome_is_what_the_value_dates_say_in_whatever_order_the_news_comes(
    news: list[tuple[int, int, bool]],
) -> None:
    state = PROMISE.evolve(PROMISE.initial, made())
    commands: list[Any] = [EvaluatePromise(GRACE_END)]
    for number, (day, minor, _) in enumerate(news):
        value_on = DAY + timedelta(days=day)
        commands.append(MatchRepayment(f"r{number}", minor, value_on, GRACE_END + timedelta(days=30)))
    commands += [
        UnmatchRepayment(f"r{n}", GRACE_END + timedelta(days=40)) for n, (_, _, back) in enumerate(news) if back
    ]
    for command in commands:
        for event in PROMISE.decide(command, state):
            state = PROMISE.evolve(state, event)
    assert state.latest is not None
    in_time = sum(minor for day, minor, back in news if not back and DAY + timedelta(days=day) <= GRACE_END)
    ever = any(DAY + timedelta(days=day) <= GRACE_END for day, _, _ in news)
    if in_time >= 9_900:
        assert state.latest.status == "kept"
    else:
        assert state.latest.status in ("broken", "partly_kept") or not ever
