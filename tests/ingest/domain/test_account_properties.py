"""What holds for every account: money is conserved, late knowledge changes nothing but what follows, time only ages."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Literal

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.ingest.domain.accounts import FIRST, TERMS, at, repaid, schedule, taken_back, terms

from ingest.domain.account.facts import (
    Accelerated,
    ChargedOff,
    DelinquencyPaused,
    Fact,
    FeeCharged,
    FeeWaived,
    Instalment,
    Repaid,
    RepaymentReversed,
    Restructured,
)
from ingest.domain.account.terms import Terms
from ingest.domain.account.validity import first_problem

WAIVABLE: tuple[Literal["interest", "fee", "penalty", "compound"], ...] = ("interest", "fee", "penalty", "compound")
days = st.integers(0, 260).map(lambda n: FIRST + timedelta(days=n))
amounts = st.integers(0, 40_000)
contracts = st.builds(
    terms, compound=st.booleans(), day_count=st.sampled_from(["ACT360", "ACT365", "30E360"]),
    cap_rate=st.sampled_from([None, None, "0.24", "0.08"]), rounding=st.sampled_from(["half_up", "half_even", "down"]),
    grace_days=st.integers(0, 5), tolerance=st.sampled_from([0, 500]),
)  # fmt: skip


@st.composite
def courses(draw: st.DrawFn) -> list[Fact]:
    """Draw what may be recorded of a loan: recording days go forward, effective days as they like."""
    facts: list[Fact] = [schedule()]
    today, paid, restructured = FIRST, list[str](), 0
    for number in range(draw(st.integers(1, 10))):
        today += timedelta(days=draw(st.integers(0, 40)))
        on = draw(days)
        match draw(
            st.sampled_from(["pay", "pay", "pay", "back", "fee", "waive", "pause", "restructure", "end", "off"])
        ):
            case "pay":
                paid.append(f"P{number}")
                facts.append(repaid(paid[-1], draw(amounts), on, recorded_on=today))
            case "back" if paid:
                name = paid.pop(draw(st.integers(0, len(paid) - 1)))
                facts.append(taken_back(name, on, recorded_on=today))
            case "fee":
                facts.append(FeeCharged(recorded_on=today, on=on, amount=draw(amounts), kind="notice"))
            case "waive":
                component = draw(st.sampled_from(WAIVABLE))
                facts.append(FeeWaived(recorded_on=today, on=on, component=component, amount=draw(amounts)))
            case "pause":
                to = on + timedelta(days=draw(st.integers(1, 60)))
                stops = draw(st.booleans())
                facts.append(
                    DelinquencyPaused(recorded_on=today, from_=on, to=to, stops_interest=stops, reason="hardship")
                )
            case "restructure" if restructured < 2:
                restructured += 1
                no = 10 * restructured
                rows = (Instalment(no, on, 4_000, 40, 5), Instalment(no + 1, on + timedelta(days=30), 9_000, 90, 5))
                facts.append(Restructured(recorded_on=today, effective_on=on, kind="re_age", instalments=rows))
            case "end":
                facts.append(Accelerated(recorded_on=today, on=on))
            case "off":
                facts.append(ChargedOff(recorded_on=today, on=on))
            case _:
                pass
    return facts


@given(contracts, courses(), days)
@settings(deadline=None, max_examples=150)
def test_money_is_conserved_to_the_minor_unit(contract: Terms, facts: list[Fact], on: date) -> None:
    assert first_problem(contract, facts, [on]) is None
    told = at(on, *facts, of=contract)
    paid = {f.id: f.amount for f in facts if isinstance(f, Repaid)}
    for one in told.allocations:
        placed = sum(part.amount for part in one.parts) + one.unapplied
        assert placed == (0 if one.reversed else paid[one.repayment])
    assert told.overpayment == sum(one.unapplied for one in told.allocations)
    assert min(told.overdue.values()) >= 0
    assert told.overdue["total"] == sum(told.overdue.values()) - told.overdue["total"]
    restructured = any(isinstance(f, Restructured) and f.effective_on <= on for f in facts)
    principal = sum(p.amount for one in told.allocations for p in one.parts if p.component == "principal")
    if not restructured:
        assert told.outstanding_principal + principal == contract.principal


@given(contracts, courses(), days, days)
@settings(deadline=None, max_examples=100)
def test_what_is_recorded_later_changes_no_answer_from_before(
    contract: Terms, facts: list[Fact], on: date, known_on: date
) -> None:
    """Knowing up to a day is the same as never having heard the rest: state is the fold of facts known then."""
    heard = [fact for fact in facts if fact.recorded_on <= known_on]
    assert at(on, *facts, known_on=known_on, of=contract) == at(on, *heard, of=contract)


@given(contracts, courses(), amounts, days, days)
@settings(deadline=None, max_examples=100)
def test_a_reversal_on_the_value_date_undoes_the_payment(
    contract: Terms, facts: list[Fact], amount: int, on: date, asked: date
) -> None:
    last = facts[-1].recorded_on
    there = repaid("there", amount, on, recorded_on=last)
    undone = at(asked, *facts, there, taken_back("there", on, recorded_on=last), of=contract)
    left = tuple(one for one in undone.allocations if one.repayment != "there")
    assert replace(undone, allocations=left) == at(asked, *facts, of=contract)


@given(contracts, st.integers(0, 300), st.integers(1, 60))
@settings(deadline=None, max_examples=80)
def test_without_payments_days_past_due_and_debt_only_rise(contract: Terms, first: int, later: int) -> None:
    one = at(FIRST + timedelta(days=first), schedule(), of=contract)
    two = at(FIRST + timedelta(days=first + later), schedule(), of=contract)
    assert two.dpd >= one.dpd
    assert two.delinquent_days >= one.delinquent_days
    assert two.payoff_total >= one.payoff_total
    assert all(two.overdue[component] >= amount for component, amount in one.overdue.items())


@given(contracts, courses(), days, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=80)
def test_facts_of_different_kinds_may_be_told_in_any_order(
    contract: Terms, facts: list[Fact], on: date, shuffle: Random
) -> None:
    """Within a day kinds have their own order, so that only the order within a kind counts (no restructure, no reversal)."""
    plain = [f for f in facts[1:] if not isinstance(f, Restructured | RepaymentReversed | DelinquencyPaused)]
    told = [replace(f, recorded_on=FIRST) for f in plain]
    kinds = sorted({type(f).__name__ for f in told})
    shuffle.shuffle(kinds)
    moved = sorted(told, key=lambda f: kinds.index(type(f).__name__))
    assert at(on, schedule(), *told, of=contract) == at(on, schedule(), *moved, of=contract)


@given(courses(), days)
@settings(deadline=None, max_examples=60)
def test_stepping_by_days_and_jumping_agree(facts: list[Fact], on: date) -> None:
    """A cap that never bites makes the account step day by day; the numbers stay those of the jumps."""
    stepped = at(on, *facts, of=terms(cap_rate="999"))
    assume(not stepped.cap_hit)  # on the first days even such a cap leaves no room for a fee
    assert stepped == at(on, *facts, of=TERMS)
