"""What holds for every course of a loan: money is conserved, repetitions change nothing, a reversal undoes its payment."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.domain.loans import TERMS, balance, booking, only, payment, reversal, run

from arrears.events import ingest as e
from arrears.events.registry import Event
from arrears.eventstore.work import encode_state
from arrears.values.balance import accrued_minor
from ingest.domain.balances import balance_changed
from ingest.domain.ledger import settle
from ingest.domain.loan import LOAN
from ingest.domain.loan_commands import AgeLoan, ChargeFee, LoanCommand
from ingest.domain.loan_state import Loan, position_at

FIRST = date(2025, 1, 1)
days = st.integers(0, 260).map(lambda n: FIRST + timedelta(days=n))
amounts = st.integers(1, 40_000)
names = st.sampled_from("ABCDE")


@st.composite
def courses(draw: st.DrawFn) -> list[LoanCommand]:
    """Draw what may happen to a loan, in the order of telling: closes go forward, value dates as they like."""
    commands: list[LoanCommand] = [booking()]
    today, posted = FIRST, dict[str, LoanCommand]()
    for _ in range(draw(st.integers(1, 12))):
        today += timedelta(days=draw(st.integers(0, 40)))
        match draw(st.sampled_from(["pay", "pay", "reverse", "fee", "close", "close"])):
            case "pay":
                name = draw(names)
                posted.setdefault(name, payment(name, draw(amounts), draw(days), told_on=today, closed_on=today))
                commands.append(posted[name])
            case "reverse" if posted:
                name = draw(st.sampled_from(sorted(posted)))
                commands.append(reversal(name, draw(days), closed_on=today))
            case "fee":
                commands.append(ChargeFee(draw(names), "notice", draw(amounts), "CNY", draw(days), "§ 7", today))
            case _:
                commands.append(AgeLoan(today))
    return commands


def check_money(loan: Loan, events: list[Event]) -> None:
    """In = allocated + overpaid for each receipt as last told, and owed - paid = unpaid, to the minor unit."""
    told: dict[str, e.RepaymentReceived | e.RepaymentReallocated] = {}
    for event in events:
        if isinstance(event, e.RepaymentReceived | e.RepaymentReallocated):
            told[event.repayment_id] = event
            assert sum(p.amount_minor for p in event.allocation) + event.overpayment_minor == event.amount_minor
        if isinstance(event, e.RepaymentReversed):
            former = told.pop(event.repayment_id)
            assert (event.restored, event.overpayment_minor) == (former.allocation, former.overpayment_minor)
    last, by_component = balance(events), dict[str, int]()
    for one in told.values():
        for part in one.allocation:
            by_component[part.component] = by_component.get(part.component, 0) + part.amount_minor
    unpaid_principal = last.due.principal_minor + last.not_due.principal_minor
    assert unpaid_principal + by_component.get("principal", 0) == TERMS.principal_minor
    unpaid_interest = last.due.interest_minor + last.not_due.interest_minor
    assert unpaid_interest + by_component.get("interest", 0) == 360
    fees = sum(f.amount_minor for f in only(events, e.FeeCharged) if f.charged_on <= last.as_of)
    assert last.due.fee_minor + by_component.get("fee", 0) == fees


@given(courses())
@settings(deadline=None, max_examples=150)
def test_money_is_conserved_to_the_minor_unit(course: list[LoanCommand]) -> None:
    loan, events = run(*course)
    pending = {r.repayment_id for r in loan.facts.receipts if r.reversed_on and r.reversed_on > balance(events).as_of}
    if not pending:
        check_money(loan, events)


@given(courses())
@settings(deadline=None, max_examples=100)
def test_a_redelivery_of_everything_changes_nothing(course: list[LoanCommand]) -> None:
    loan, _ = run(*course)
    again, events = run(*course[:1], *(c for c in course[1:] if not isinstance(c, AgeLoan)), loan=loan)
    assert events == []
    assert again == loan


@given(courses())
@settings(deadline=None, max_examples=100)
def test_the_carried_position_equals_the_one_computed_from_the_first_day(course: list[LoanCommand]) -> None:
    loan, _ = run(*course)
    assert loan.position is not None
    fresh = settle(loan.terms, loan.facts, loan.position.as_of)
    assert loan.position.lines == fresh.lines
    kept = [sorted(a.parts, key=lambda p: (p.no, p.component)) for a in loan.position.allocations]
    assert kept == [sorted(a.parts, key=lambda p: (p.no, p.component)) for a in fresh.allocations]


@given(courses(), amounts, st.integers(0, 200))
@settings(deadline=None, max_examples=100)
def test_a_reversal_on_the_value_date_restores_the_balance(course: list[LoanCommand], amount: int, back: int) -> None:
    loan, events = run(*course)
    before = balance(events)
    value_on = max(TERMS.disbursed_on, before.as_of - timedelta(days=back))
    told = payment("undone", amount, value_on, told_on=before.as_of, closed_on=before.as_of)
    _, events = run(told, reversal("undone", value_on, closed_on=before.as_of), loan=loan)
    after = balance(events)
    assert (after.due, after.not_due, after.payoff_minor) == (before.due, before.not_due, before.payoff_minor)
    assert after.overpaid_minor == before.overpaid_minor


@given(courses())
@settings(deadline=None, max_examples=60)
def test_a_loan_always_waits_for_a_day_after_the_last_one_closed(course: list[LoanCommand]) -> None:
    loan, _ = run(*course)
    on = LOAN.wakes_on(loan)
    assert on is None or on > loan.closed_on
    if on is not None:
        aged, events = run(AgeLoan(on), loan=loan)
        assert events
        later = LOAN.wakes_on(aged)
        assert later is None or later > on


@given(courses())
@settings(deadline=None, max_examples=60)
def test_an_episode_is_opened_and_cured_once(course: list[LoanCommand]) -> None:
    _, events = run(*course)
    opened = [event.episode_id for event in only(events, e.LoanOverdue)]
    assert len(opened) == len(set(opened))


@given(courses(), st.integers(0, 400))
@settings(deadline=None, max_examples=300)
def test_the_balance_that_travels_quotes_what_the_ledger_says_later(course: list[LoanCommand], later: int) -> None:
    """To the minor unit, whatever had accrued and was paid before."""
    loan, events = run(*course)
    told = balance(events)
    on = told.as_of + timedelta(days=later)
    changes = {i.due_on for i in loan.facts.instalments}
    changes |= {d for r in loan.facts.receipts for d in (r.value_on, r.reversed_on) if d}
    changes |= {fee.on for fee in loan.facts.fees}
    if any(told.as_of < change <= on for change in changes):
        return
    ledger = balance_changed(loan.terms, loan.facts, position_at(loan, on)).due.total_minor
    quote = told.due.total_minor + accrued_minor(told.accruing, on)
    assert quote == ledger


def test_the_state_stays_small() -> None:
    loan, _ = run(booking(), *(payment(str(n), 100, FIRST + timedelta(days=n)) for n in range(24)))
    assert len(encode_state(loan)) < 6_000
