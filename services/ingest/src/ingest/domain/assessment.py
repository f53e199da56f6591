"""What a position means for the loan's delinquency: overdue, another bucket, cured; and when to look again. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from arrears.events import ingest as e
from arrears.events.registry import Event
from arrears.values.identity import derived_id
from ingest.domain.ageing import (
    BUCKETS,
    REMINDER_DAYS,
    bucket,
    days_past_due,
    delinquent_days,
    next_bucket_on,
)
from ingest.domain.balances import balance_changed, overdue, unpaid_minor
from ingest.domain.ledger import Position, credit_minor, oldest_unpaid
from ingest.domain.loan_state import Episode, Loan, LoanState, Unbooked, position_at

_DAY = timedelta(days=1)
Trigger = Literal["ageing", "payment", "reversal", "fee", "restructure"]


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a loan is looked at: the close of day `on`, or a fact that took effect on `effective_on`."""

    trigger: Trigger
    on: date
    effective_on: date


def assess(before: Loan, after: Loan, position: Position, occasion: Occasion) -> tuple[Event, ...]:
    """Return what the position changes in the loan's delinquency.

    An episode opens, and a bucket worsens by time, only at a close of day; a payment improves at once; a reversal that
    reaches back before the cure reopens the cured episode instead of beginning another.
    """
    oldest = oldest_unpaid(after.terms, position, occasion.on)
    past = days_past_due(oldest.due_on if oldest else None, occasion.on)
    late = delinquent_days(past, after.terms.grace_days)
    episode = after.open_episode
    if episode is None:
        if late and occasion.trigger == "ageing":
            return (_overdue(after, position, occasion.on, past),)
        cured = after.episode
        if late and occasion.trigger == "reversal" and cured and cured.cured_on:
            return (_moved(cured, after, occasion, past),) if occasion.effective_on <= cured.cured_on else ()
        return ()
    if past == 0:
        return (_cured(before, after, episode, occasion),)
    worse = BUCKETS.index(bucket(past)) - BUCKETS.index(episode.bucket)
    if worse < 0 or (worse > 0 and occasion.trigger in ("ageing", "reversal", "restructure")):
        worst = max(episode.past_due_max, _past_due_before(before, occasion.on - _DAY))
        return (_moved(episode, after, occasion, past, worst),)
    return ()


def _overdue(loan: Loan, position: Position, on: date, past: int) -> e.LoanOverdue:
    oldest = oldest_unpaid(loan.terms, position, on)
    assert oldest is not None  # a loan is only late because of a line
    owed = overdue(loan.terms, position, on)
    return e.LoanOverdue(
        loan_id=loan.terms.loan_id,
        episode_id=derived_id("episode", loan.terms.loan_id, str(loan.episodes + 1)),
        overdue_since=oldest.due_on,
        as_of=on,
        days_past_due=past,
        bucket=bucket(past),
        currency=loan.terms.currency,
        overdue=owed,
        total_due_minor=owed.total_minor,
        payoff_minor=balance_changed(loan.terms, loan.facts, position).payoff_minor,
        oldest_no=oldest.no,
        prior_episodes=loan.episodes,
    )


def _moved(episode: Episode, loan: Loan, occasion: Occasion, past: int, worst: int = 0) -> e.DelinquencyBucketChanged:
    trigger = occasion.trigger
    backdated = trigger == "payment" and occasion.effective_on < loan.closed_on
    return e.DelinquencyBucketChanged(
        loan_id=loan.terms.loan_id,
        episode_id=episode.episode_id,
        from_bucket=episode.bucket,
        to_bucket=bucket(past),
        days_past_due=past,
        delinquent_days=delinquent_days(past, loan.terms.grace_days),
        as_of=occasion.on,
        cause="backdated" if backdated else "payment" if trigger == "fee" else trigger,
        days_past_due_max=worst,
    )


def _cured(before: Loan, after: Loan, episode: Episode, occasion: Occasion) -> e.LoanCured:
    on = _cured_on(after, max(occasion.effective_on, episode.overdue_since), occasion.on)
    position = position_at(after, occasion.on)
    balance = balance_changed(after.terms, after.facts, position)
    return e.LoanCured(
        loan_id=after.terms.loan_id,
        episode_id=episode.episode_id,
        cured_on=on,
        days_past_due_max=max(episode.past_due_max, _past_due_before(before, on - _DAY)),
        cured_by="self" if occasion.trigger != "restructure" else "restructure",
        paid_off=balance.payoff_minor == 0,
    )


def _cured_on(loan: Loan, effective_on: date, told_on: date) -> date:
    """Return the first day from which nothing was overdue any more: value dates decide, not the day of telling."""
    moves = {receipt.value_on for receipt in loan.facts.receipts}
    moves.update(instalment.due_on + _DAY for instalment in loan.facts.instalments)
    found = told_on
    for on in sorted((d for d in moves | {effective_on} if effective_on <= d < told_on), reverse=True):
        if oldest_unpaid(loan.terms, position_at(loan, on), on) is not None:
            break
        found = on
    return found


def _past_due_before(before: Loan, on: date) -> int:
    if before.position is None:
        return 0
    oldest = oldest_unpaid(before.terms, before.position, on)
    return days_past_due(oldest.due_on if oldest else None, on)


def reminders(loan: Loan, position: Position, on: date) -> Iterator[e.InstallmentDueSoon]:
    """Yield a reminder for each unpaid instalment whose announcement came due since the last close."""
    credit = credit_minor(loan.facts, position)
    for line in position.lines:
        amount = unpaid_minor(line)
        if loan.closed_on < line.due_on - REMINDER_DAYS * _DAY <= on < line.due_on and amount > credit:
            yield e.InstallmentDueSoon(
                loan_id=loan.terms.loan_id, no=line.no, due_on=line.due_on, amount_minor=amount - credit,
                days_to_due=(line.due_on - on).days,
            )  # fmt: skip


def crosses_date(loan: Loan, position: Position, on: date) -> bool:
    """Say whether an unpaid instalment fell due since the last close, or a fact that waited for its date worked."""
    if any(loan.closed_on < line.due_on <= on and unpaid_minor(line) for line in position.lines):
        return True
    told = loan.position.as_of if loan.position else loan.terms.disbursed_on
    return any(told < waiting <= on for waiting in _dates_of_facts(loan))


def _dates_of_facts(loan: Loan) -> Iterator[date]:
    for receipt in loan.facts.receipts:
        yield receipt.value_on
        if receipt.reversed_on:
            yield receipt.reversed_on
    for fee in loan.facts.fees:
        yield fee.on


def wakes_on(loan: LoanState) -> date | None:
    """Return the next business day at whose close the loan has something to decide; None when it waits for money only."""
    if isinstance(loan, Unbooked) or loan.position is None:
        return None
    return min(_thresholds(loan, loan.position, loan.closed_on), default=None)


def _thresholds(loan: Loan, position: Position, after: date) -> Iterator[date]:
    for on in _dates_of_facts(loan):
        if on > position.as_of:
            yield max(on, after + _DAY)
    oldest = None
    for line in position.lines:
        if not unpaid_minor(line):
            continue
        if oldest is None and line.principal_minor + line.interest_minor > loan.terms.tolerance_minor:
            oldest = line.due_on
        if line.due_on > after:
            yield line.due_on
            if line.due_on - REMINDER_DAYS * _DAY > after:
                yield line.due_on - REMINDER_DAYS * _DAY
            break
    if oldest is None:
        return
    if loan.open_episode is None:
        yield max(oldest + (loan.terms.grace_days + 1) * _DAY, after + _DAY)
    elif later := next_bucket_on(oldest, after):
        yield later
