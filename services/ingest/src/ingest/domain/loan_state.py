"""A loan as its stream remembers it, and how each event changes it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from arrears.events import ingest as e
from arrears.events.registry import Event
from arrears.eventstore.errors import CorruptStream
from ingest.domain.ledger import Position, advance, settle
from ingest.domain.schedule import Facts, Fee, Instalment, Receipt, Terms


class Unbooked(msgspec.Struct, frozen=True, tag=True):
    """No loan yet."""


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of delinquency, from the first delinquent close to the day on which nothing was overdue."""

    episode_id: str
    overdue_since: date
    bucket: e.Bucket
    past_due_max: int
    cured_on: date | None = None


class Loan(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A booked loan. `position` is None while facts are new; LoanBalanceChanged, which follows them, sets it again.

    `closed_on` is the last business day whose close this loan has accounted for, `episode` the present or last stretch
    of delinquency, `divergences` what was last reported of the host's figures.
    """

    terms: Terms
    schedule_version: int = 0
    facts: Facts = Facts()
    position: Position | None = None
    closed_on: date = date.min
    episode: Episode | None = None
    episodes: int = 0
    changes: tuple[str, ...] = ()
    divergences: dict[str, str] = {}

    @property
    def open_episode(self) -> Episode | None:
        """The episode that has not been cured."""
        return self.episode if self.episode and self.episode.cured_on is None else None


LoanState = Unbooked | Loan


def position_at(loan: Loan, day: date) -> Position:
    """Return the loan's position at the close of `day`."""
    global _last  # one value of a pure function: evolve asks again for what decide has just computed
    known, last = loan.position, _last
    if last and last[0] is known and last[1] == day and last[2] == loan.facts and last[3] == loan.terms:
        return last[4]
    anew = known is None or day < known.as_of
    found = settle(loan.terms, loan.facts, day) if anew else advance(loan.terms, loan.facts, cast(Position, known), day)
    _last = (known, day, loan.facts, loan.terms, found)
    return found


_last: tuple[Position | None, date, Facts, Terms, Position] | None = None


def with_receipt(loan: Loan, receipt: Receipt) -> Loan:
    """Return the loan with one more receipt; an earlier value date makes the position stale."""
    facts = replace(loan.facts, receipts=(*loan.facts.receipts, receipt))
    return _with_facts(loan, facts, stale=loan.position is None or receipt.value_on < loan.position.as_of)


def with_fee(loan: Loan, fee: Fee) -> Loan:
    """Return the loan with one more fee."""
    facts = replace(loan.facts, fees=(*loan.facts.fees, fee))
    return _with_facts(loan, facts, stale=loan.position is None or fee.on <= loan.position.as_of)


def with_reversal(loan: Loan, repayment_id: str, reversed_on: date, reversal_ref: str) -> Loan:
    """Return the loan with a receipt taken back."""
    receipts = tuple(
        replace(r, reversed_on=reversed_on, reversal_ref=reversal_ref) if r.repayment_id == repayment_id else r
        for r in loan.facts.receipts
    )
    return _with_facts(loan, replace(loan.facts, receipts=receipts), stale=True)


def with_instalments(loan: Loan, instalments: tuple[Instalment, ...]) -> Loan:
    """Return the loan with another schedule."""
    return _with_facts(loan, replace(loan.facts, instalments=instalments), stale=True)


def _with_facts(loan: Loan, facts: Facts, *, stale: bool) -> Loan:
    return replace(loan, facts=facts, position=None if stale else loan.position)


def evolve(loan: LoanState, event: Event) -> LoanState:
    """Return `loan` after `event`.

    Raises:
        CorruptStream: the event cannot follow the ones before it.
    """
    kind = type(event)
    if type(loan) is Unbooked:
        if kind is e.LoanImported:
            return Loan(terms=_terms(cast(e.LoanImported, event)))
    elif (change := _CHANGES.get(kind)) is not None:
        return change(cast(Loan, loan), event)
    raise CorruptStream(f"{kind.__name__} cannot follow {type(loan).__name__}")


def _balanced(loan: Loan, event: e.LoanBalanceChanged) -> Loan:
    closed_on = max(loan.closed_on, event.closed_on or date.min)
    return replace(loan, position=position_at(loan, event.as_of), closed_on=closed_on)


def _announced(loan: Loan, event: e.InstallmentDueSoon) -> Loan:
    return replace(loan, closed_on=max(loan.closed_on, event.due_on - timedelta(days=event.days_to_due)))


def _diverged(loan: Loan, event: e.HostDivergenceDetected) -> Loan:
    return replace(loan, divergences={**loan.divergences, event.field: event.host_value})


def _terms(event: e.LoanImported) -> Terms:
    return Terms(
        loan_id=event.loan_id, currency=event.currency, principal_minor=event.principal_minor,
        disbursed_on=event.disbursed_on, annual_rate=event.annual_rate, penalty_multiplier=event.penalty_multiplier,
        day_count=event.day_count, grace_days=event.grace_days, tolerance_minor=event.tolerance_minor,
    )  # fmt: skip


def _receipt(event: e.RepaymentReceived) -> Receipt:
    return Receipt(event.repayment_id, event.external_txn, event.amount_minor, event.value_on, event.policy_id)


def _scheduled(loan: Loan, event: e.InstallmentScheduled) -> Loan:
    one = Instalment(event.no, event.due_on, event.principal_minor, event.interest_minor, event.fee_minor)
    same = event.schedule_version == loan.schedule_version
    changes = loan.changes if same or not event.change_ref else (*loan.changes, event.change_ref)
    loan = with_instalments(loan, (*loan.facts.instalments, one) if same else (one,))
    return replace(loan, schedule_version=event.schedule_version, changes=changes)


def _aged(loan: Loan, event: e.LoanOverdue | e.DelinquencyBucketChanged | e.LoanCured) -> Loan:
    match event, loan.episode:
        case e.LoanOverdue(), _:
            episode = Episode(
                episode_id=event.episode_id, overdue_since=event.overdue_since, bucket=event.bucket,
                past_due_max=event.days_past_due,
            )  # fmt: skip
            return replace(loan, episode=episode, episodes=loan.episodes + 1)
        case e.DelinquencyBucketChanged(), Episode() as episode:
            worst = max(episode.past_due_max, event.days_past_due, event.days_past_due_max)
            # A bucket change of a cured episode reopens it: the money that cured it was taken back.
            return replace(loan, episode=replace(episode, bucket=event.to_bucket, past_due_max=worst, cured_on=None))
        case e.LoanCured(), Episode() as episode:
            cured = replace(
                episode, bucket="M0", past_due_max=max(episode.past_due_max, event.days_past_due_max),
                cured_on=event.cured_on,
            )  # fmt: skip
            return replace(loan, episode=cured)
        case _:
            raise CorruptStream(f"{type(event).__name__} without an episode")


# By class and not by pattern: an instance check of a Struct costs as much as the change itself, and loans are hot.
_CHANGES: Final[Mapping[type[Event], Callable[[Loan, Any], Loan]]] = {
    e.InstallmentScheduled: _scheduled,
    e.RepaymentReceived: lambda loan, event: with_receipt(loan, _receipt(event)),
    e.RepaymentReversed: lambda loan, event: with_reversal(
        loan, event.repayment_id, event.value_on, event.reversal_ref
    ),
    e.RepaymentReallocated: lambda loan, _event: loan,
    e.FeeCharged: lambda loan, event: with_fee(loan, Fee(event.fee_id, event.charged_on, event.amount_minor)),
    e.LoanBalanceChanged: _balanced,
    e.InstallmentDueSoon: _announced,
    e.HostDivergenceDetected: _diverged,
    e.LoanOverdue: _aged,
    e.DelinquencyBucketChanged: _aged,
    e.LoanCured: _aged,
}
