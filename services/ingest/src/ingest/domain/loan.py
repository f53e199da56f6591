"""The loan account: what is booked, paid, taken back, charged, and how it ages.

Pure: no clock, no I/O. Facts arrive late, twice or out of order: each is known by its reference, works from its value
date, and is followed by LoanBalanceChanged. `closed_on` in a command is the last business day closed for the debtor's
partition: balances are told as of that day or of the fact, whichever is later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final, Literal, cast

from arrears.decider import Decider
from arrears.events import ingest as e
from arrears.events.registry import Event
from arrears.values.identity import derived_id
from ingest.domain import refusals
from ingest.domain.assessment import Occasion, Trigger, assess, crosses_date, reminders, wakes_on
from ingest.domain.balances import allocated, balance_changed, overdue
from ingest.domain.ledger import Position, schedule_problem
from ingest.domain.loan_commands import (
    AgeLoan,
    BookLoan,
    ChangeSchedule,
    ChargeFee,
    CompareWithHost,
    LoanCommand,
    PostRepayment,
    ReverseRepayment,
    ScheduleInstalment,
)
from ingest.domain.loan_state import (
    Loan,
    LoanState,
    Unbooked,
    evolve,
    position_at,
    with_fee,
    with_instalments,
    with_receipt,
    with_reversal,
)
from ingest.domain.schedule import Fee, Instalment, Receipt, Terms

_DAY: Final = timedelta(days=1)
_NEVER: Final = date.min


def decide(command: LoanCommand, loan: LoanState) -> tuple[Event, ...]:
    """Return what `command` causes; nothing when it has worked before.

    Raises:
        LoanUnknown: a fact for a loan that was never booked.
        LoanBookedDifferently, InvalidSchedule: the booking contradicts itself or an earlier one.
        CurrencyMismatch, BeforeDisbursement, PostingChanged: the money cannot belong to this loan as told.
        RepaymentUnknown: the reversal names nothing that arrived.
    """
    kind = type(command)
    if kind is BookLoan:
        return _book(cast(BookLoan, command), loan)
    if type(loan) is Unbooked:
        raise refusals.LoanUnknown("no such loan was booked")
    return _DECISIONS[kind](command, cast(Loan, loan))


def _book(command: BookLoan, loan: LoanState) -> tuple[Event, ...]:
    terms = command.terms
    if isinstance(loan, Loan):
        if loan.terms != terms:
            raise refusals.LoanBookedDifferently("the loan is booked with other terms", loan_id=terms.loan_id)
        return ()
    _check_schedule(terms, command.instalments)
    imported = e.LoanImported(
        loan_id=terms.loan_id, external_ref=command.external_ref, source=command.source, product=command.product,
        currency=terms.currency, principal_minor=terms.principal_minor, disbursed_on=terms.disbursed_on,
        maturity_on=max(i.due_on for i in command.instalments), annual_rate=terms.annual_rate,
        penalty_multiplier=terms.penalty_multiplier, day_count=terms.day_count, grace_days=terms.grace_days,
        tolerance_minor=terms.tolerance_minor, payment_reference=command.payment_reference,
    )  # fmt: skip
    booked = with_instalments(Loan(terms=terms), command.instalments)
    position = position_at(booked, max(terms.disbursed_on, command.closed_on or _NEVER))
    balance = balance_changed(terms, booked.facts, position, closed_on=terms.disbursed_on - _DAY)
    return (imported, *_scheduled(terms.loan_id, 1, command.instalments, ""), balance)


def _scheduled(
    loan_id: str, version: int, instalments: tuple[Instalment, ...], change_ref: str
) -> tuple[e.InstallmentScheduled, ...]:
    return tuple(
        e.InstallmentScheduled(
            loan_id=loan_id, schedule_version=version, no=i.no, due_on=i.due_on, principal_minor=i.principal_minor,
            interest_minor=i.interest_minor, fee_minor=i.fee_minor, change_ref=change_ref,
        )
        for i in instalments
    )  # fmt: skip


def _check_schedule(terms: Terms, instalments: tuple[Instalment, ...]) -> None:
    if problem := schedule_problem(terms, instalments):
        raise refusals.InvalidSchedule(problem, loan_id=terms.loan_id)


def _change_schedule(command: ChangeSchedule, loan: Loan) -> tuple[Event, ...]:
    if command.change_ref in loan.changes:
        return ()
    again = {i.no for i in command.instalments}
    kept = [i for i in loan.facts.instalments if i.due_on < command.effective_on and i.no not in again]
    return _reschedule(loan, (*kept, *command.instalments), command.change_ref, command.closed_on)


def _schedule_one(command: ScheduleInstalment, loan: Loan) -> tuple[Event, ...]:
    one = command.instalment
    if one in loan.facts.instalments or command.change_ref in loan.changes:
        return ()
    others = [i for i in loan.facts.instalments if i.no != one.no]
    instalments = tuple(sorted((*others, one), key=lambda i: i.no))
    return _reschedule(loan, instalments, command.change_ref, command.closed_on)


def _reschedule(
    loan: Loan, instalments: tuple[Instalment, ...], change_ref: str, closed_on: date | None
) -> tuple[Event, ...]:
    _check_schedule(loan.terms, instalments)
    after = with_instalments(loan, instalments)
    on = _seen(loan, closed_on)
    return (
        *_scheduled(loan.terms.loan_id, loan.schedule_version + 1, instalments, change_ref),
        *_consequences(loan, after, Occasion("restructure", on, on)),
    )


def _post(command: PostRepayment, loan: Loan) -> tuple[Event, ...]:
    terms = loan.terms
    repayment_id = derived_id("repayment", terms.loan_id, command.posting_ref)
    known = next((r for r in loan.facts.receipts if r.repayment_id == repayment_id), None)
    if known is not None:
        if (known.amount_minor, known.value_on) != (command.amount_minor, command.value_on):
            raise refusals.PostingChanged("the posting came before with another amount or value date")
        return ()
    if command.currency != terms.currency:
        raise refusals.CurrencyMismatch(f"the loan is in {terms.currency}, the money in {command.currency}")
    if command.value_on < terms.disbursed_on:
        raise refusals.BeforeDisbursement(f"value date {command.value_on} is before {terms.disbursed_on}")
    receipt = Receipt(repayment_id, command.txn, command.amount_minor, command.value_on, command.policy_id)
    after = with_receipt(loan, receipt)
    on = _seen(loan, command.closed_on)
    if command.value_on <= command.known_on + _DAY:  # a day's room, for the host's zone may be ahead of UTC
        on = max(on, command.value_on)
    position = position_at(after, on)
    mine = position.allocations[-1]
    received = e.RepaymentReceived(
        repayment_id=repayment_id, loan_id=terms.loan_id, amount_minor=command.amount_minor, currency=terms.currency,
        value_on=command.value_on, received_at=command.received_at, channel=command.channel,
        payer_kind=command.payer_kind, external_txn=command.txn, allocation=allocated(mine.parts),
        overpayment_minor=mine.left_minor, policy_id=command.policy_id,
    )  # fmt: skip
    return (received, *_consequences(loan, after, Occasion("payment", on, command.value_on), position))


def _reverse(command: ReverseRepayment, loan: Loan) -> tuple[Event, ...]:
    named = [(i, r) for i, r in enumerate(loan.facts.receipts) if r.txn == command.txn]
    if not named:
        raise refusals.RepaymentUnknown("the reversal names a repayment that never arrived", txn=command.txn)
    standing = [(i, r) for i, r in named if r.reversed_on is None]
    if not standing or any(r.reversal_ref == command.reversal_ref for _, r in named):
        return ()
    place, receipt = standing[-1]
    assert loan.position is not None
    before = loan.position.allocations[place]
    after = with_reversal(loan, receipt.repayment_id, command.value_on, command.reversal_ref)
    on = max(_seen(loan, command.closed_on), command.value_on)
    reversed_ = e.RepaymentReversed(
        repayment_id=receipt.repayment_id, loan_id=loan.terms.loan_id, amount_minor=receipt.amount_minor,
        currency=loan.terms.currency, value_on=command.value_on, reason=command.reason,
        restored=allocated(before.parts), overpayment_minor=before.left_minor, reversal_ref=command.reversal_ref,
    )  # fmt: skip
    return (reversed_, *_consequences(loan, after, Occasion("reversal", on, command.value_on)))


def _charge(command: ChargeFee, loan: Loan) -> tuple[Event, ...]:
    terms = loan.terms
    fee_id = derived_id("fee", terms.loan_id, command.fee_ref)
    if any(fee.fee_id == fee_id for fee in loan.facts.fees):
        return ()
    if command.currency != terms.currency:
        raise refusals.CurrencyMismatch(f"the loan is in {terms.currency}, the fee in {command.currency}")
    after = with_fee(loan, Fee(fee_id, command.charged_on, command.amount_minor))
    on = max(_seen(loan, command.closed_on), command.charged_on)
    charged = e.FeeCharged(
        loan_id=terms.loan_id, fee_id=fee_id, kind=command.kind, amount_minor=command.amount_minor,
        currency=terms.currency, charged_on=command.charged_on, contract_clause=command.contract_clause,
    )  # fmt: skip
    return (charged, *_consequences(loan, after, Occasion("fee", on, command.charged_on)))


def _age(command: AgeLoan, loan: Loan) -> tuple[Event, ...]:
    day, due_on = command.day, wakes_on(loan)
    if due_on is None or due_on > day:
        return ()
    later = _seen(loan, day)  # beyond `day` when money of the day after is known already
    at_close, told = position_at(loan, day), position_at(loan, later)
    soon = tuple(reminders(loan, at_close, day))
    changed: tuple[Event, ...] = (
        *_reallocated(loan, loan, told, "ageing"),
        *assess(loan, loan, at_close, Occasion("ageing", day, day)),
    )
    if soon and not changed and not crosses_date(loan, at_close, day):
        return soon
    aged: Loan = loan
    for event in changed:
        folded = evolve(aged, event)
        assert isinstance(folded, Loan)
        aged = folded
    if later > day:
        changed += assess(aged, aged, told, Occasion("payment", later, later))
    return (*soon, *changed, balance_changed(loan.terms, loan.facts, told, closed_on=day))


def _compare(command: CompareWithHost, loan: Loan) -> tuple[Event, ...]:
    as_of = max(command.as_of, loan.terms.disbursed_on)
    owed = overdue(loan.terms, position_at(loan, as_of), as_of)
    own, host = owed.total_minor - owed.penalty_minor, str(command.overdue_minor)
    if own == command.overdue_minor or loan.divergences.get("overdue_minor") == host:
        return ()
    found = e.HostDivergenceDetected(
        loan_id=loan.terms.loan_id, field="overdue_minor", host_value=host, own_value=str(own), as_of=as_of
    )
    return (found,)


def _seen(loan: Loan, closed_on: date | None) -> date:
    """Return the latest day that the loan's balance has been told of, or that is closed."""
    told = loan.position.as_of if loan.position else loan.terms.disbursed_on
    return max(told, closed_on or _NEVER)


def _consequences(before: Loan, after: Loan, occasion: Occasion, position: Position | None = None) -> tuple[Event, ...]:
    position = position or position_at(after, occasion.on)
    return (
        *_reallocated(before, after, position, occasion.trigger),
        *assess(before, after, position, occasion),
        balance_changed(after.terms, after.facts, position),
    )


_REALLOCATED_BY: Final[dict[Trigger, Literal["due", "payment", "reversal", "fee", "schedule"]]] = {
    "ageing": "due", "payment": "payment", "reversal": "reversal", "fee": "fee", "restructure": "schedule",
}  # fmt: skip


def _reallocated(before: Loan, after: Loan, position: Position, trigger: Trigger) -> tuple[Event, ...]:
    if before.position is None:
        return ()
    receipts = after.facts.receipts
    pairs = zip(receipts, before.position.allocations, position.allocations, strict=False)
    return tuple(
        e.RepaymentReallocated(
            repayment_id=receipt.repayment_id, loan_id=after.terms.loan_id, amount_minor=receipt.amount_minor,
            currency=after.terms.currency, as_of=position.as_of, cause=_REALLOCATED_BY[trigger],
            allocation=allocated(now.parts), overpayment_minor=now.left_minor,
        )
        for receipt, was, now in pairs
        if was is not now and was != now and receipt.reversed_on is None and allocated(was.parts) != allocated(now.parts)
    )  # fmt: skip


_DECISIONS: Final[Mapping[type[LoanCommand], Callable[[Any, Loan], tuple[Event, ...]]]] = {
    ChangeSchedule: _change_schedule,
    ScheduleInstalment: _schedule_one,
    PostRepayment: _post,
    ReverseRepayment: _reverse,
    ChargeFee: _charge,
    AgeLoan: _age,
    CompareWithHost: _compare,
}

LOAN: Final[Decider[LoanCommand, LoanState]] = Decider(
    name="loan", initial=Unbooked(), decide=decide, evolve=evolve, state_type=LoanState, wakes_on=wakes_on
)
