"""One legal case: proposed by scoring, approved by two people, ended by the cure or the end of the collection case. Pure.

nothing ── proposed ──(two grants)──► escalated ──► closed
              └──(refused, expired, subject gone)──► ended ── may be proposed again
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

import msgspec

from arrears import approvals
from arrears.approvals import Approval, ApprovalEnded
from arrears.decider import Decider, StreamRef
from arrears.events.approvals import ApprovalExpired, ApprovalGranted, ApprovalRefused, ApprovalRequested
from arrears.events.legal import ClaimReduced, ClaimRestored, EscalatedToLegal, EscalationProposed, LegalCaseClosed
from arrears.events.registry import Event
from arrears.eventstore.errors import CorruptStream
from arrears.values.identity import derived_id
from arrears.values.money import Money
from legal.domain.court_route import route_of
from legal.domain.debt import Claimed
from legal.domain.refusals import NothingToClaim

Outcome = Literal["recovered", "withdrawn", "settled", "rejected", "uncollectable"]
Status = Literal["nothing", "proposed", "ended", "escalated", "closed"]

PROPOSER: Final = "scoring"
ROLES: Final = ("legal", "lead")
PEOPLE_NEEDED: Final = 2
DECIDE_WITHIN: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class ProposeEscalation:
    """Scoring advises the legal way for these loans."""

    case_id: str
    loan_ids: tuple[str, ...]
    currency: str
    expected_net_minor: int
    cost_minor: int
    reasons: tuple[str, ...]
    on: date


@dataclass(frozen=True, slots=True)
class GrantEscalation:
    """A person approves on the business date `on`; `claimed` is what legal could claim now."""

    approval_id: str
    by: str
    roles: frozenset[str]
    on: date
    claimed: Claimed | None


@dataclass(frozen=True, slots=True)
class RefuseEscalation:
    """A person refuses, which ends the proposal."""

    approval_id: str
    by: str
    roles: frozenset[str]
    reason: str
    on: date


@dataclass(frozen=True, slots=True)
class ExpireProposal:
    """Business day `on` closed and nobody decided."""

    on: date


@dataclass(frozen=True, slots=True)
class EndCase:
    """There is nothing to pursue any more. Without an `outcome` money that came since the escalation makes it recovered."""

    on: date
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class ReduceClaim:
    """Money came for a loan."""

    loan_id: str
    repayment_id: str
    amount_minor: int
    on: date


@dataclass(frozen=True, slots=True)
class RestoreClaim:
    """A repayment was taken back."""

    repayment_id: str
    on: date


Command = ProposeEscalation | GrantEscalation | RefuseEscalation | ExpireProposal | EndCase | ReduceClaim | RestoreClaim


class Receipt(msgspec.Struct, frozen=True):
    """A repayment that reduced the claim."""

    loan_id: str
    amount_minor: int


class LegalCase(msgspec.Struct, frozen=True, kw_only=True):
    """The case of one collection case; `proposals` counts how often it was proposed."""

    status: Status = "nothing"
    case_id: str = ""
    legal_case_id: str = ""
    loan_ids: tuple[str, ...] = ()
    expected_net_minor: int = 0
    proposals: int = 0
    approval: Approval | None = None
    receipts: dict[str, Receipt] = {}

    @property
    def recovered_minor(self) -> int:
        """What came in since the escalation."""
        return sum(receipt.amount_minor for receipt in self.receipts.values())

    @property
    def live(self) -> bool:
        """Somebody has to decide, or the claim is being pursued."""
        return self.status in ("proposed", "escalated")


def decide(command: Command, state: LegalCase) -> tuple[Event, ...]:
    """Return the events that `command` causes.

    Raises:
        ApprovalNotFound, ApprovalEnded, SelfApproval, RoleNotEligible, AlreadyGranted: see arrears.approvals.
        NothingToClaim: the last grant comes when no loan of the proposal is overdue.
    """
    match command:
        case ProposeEscalation():
            return _propose(command, state)
        case GrantEscalation():
            return _grant(command, state)
        case RefuseEscalation(_, by, roles, reason, on):
            approval = _named(state, command.approval_id)
            return approvals.refuse(approval, by=by, roles=roles, reason=reason, on=on)
        case ExpireProposal(on):
            return approvals.expire(state.approval, on=on, reason="too_late")
        case EndCase():
            return _end(command, state)
        case ReduceClaim(loan_id, repayment_id, amount, on):
            pursued = state.status == "escalated" and loan_id in state.loan_ids
            if not pursued or repayment_id in state.receipts or amount <= 0:
                return ()
            return (
                ClaimReduced(
                    legal_case_id=state.legal_case_id, loan_id=loan_id, repayment_id=repayment_id, amount_minor=amount,
                    recovered_minor=state.recovered_minor + amount, on=on,
                ),
            )  # fmt: skip
        case RestoreClaim(repayment_id, on):
            receipt = state.receipts.get(repayment_id)
            if state.status != "escalated" or receipt is None:
                return ()
            return (
                ClaimRestored(
                    legal_case_id=state.legal_case_id, loan_id=receipt.loan_id, repayment_id=repayment_id,
                    amount_minor=receipt.amount_minor, recovered_minor=state.recovered_minor - receipt.amount_minor, on=on,
                ),
            )  # fmt: skip


def _propose(command: ProposeEscalation, state: LegalCase) -> tuple[Event, ...]:
    if state.status not in ("nothing", "ended"):
        return ()
    approval_id = derived_id("approval", "legal_escalation", command.case_id, str(state.proposals + 1))
    asked = approvals.request(
        state.approval, approval_id=approval_id, subject="legal_escalation", subject_id=command.case_id,
        requested_by=PROPOSER, roles=ROLES, needed=PEOPLE_NEEDED,
        reason=f"expected net {Money(command.expected_net_minor, command.currency)}: {', '.join(command.reasons)}",
        valid_until=command.on + DECIDE_WITHIN,
    )  # fmt: skip
    proposed = EscalationProposed(
        legal_case_id=derived_id("legal-case", command.case_id), case_id=command.case_id, approval_id=approval_id,
        loan_ids=command.loan_ids, currency=command.currency, expected_net_minor=command.expected_net_minor,
        cost_minor=command.cost_minor, reasons=command.reasons, proposed_on=command.on,
    )  # fmt: skip
    return (proposed, *asked)


def _grant(command: GrantEscalation, state: LegalCase) -> tuple[Event, ...]:
    approval = _named(state, command.approval_id)
    granted = approvals.grant(approval, by=command.by, roles=command.roles, on=command.on)
    if not granted[0].complete or approval is None:
        return granted
    claimed = command.claimed
    if claimed is None or claimed.total_minor <= 0:
        raise NothingToClaim("no loan of this proposal is overdue any more", case_id=state.case_id)
    escalated = EscalatedToLegal(
        legal_case_id=state.legal_case_id, case_id=state.case_id, loan_ids=claimed.loan_ids, claim=claimed.claim,
        currency=claimed.currency, as_of=claimed.as_of, route=route_of(claimed.total_minor, claimed.currency),
        expected_net_minor=state.expected_net_minor, approved_by=(*approval.granted_by, command.by),
    )  # fmt: skip
    return (*granted, escalated)


def _end(command: EndCase, state: LegalCase) -> tuple[Event, ...]:
    if state.status == "proposed":
        return approvals.expire(state.approval, on=command.on, reason="subject_gone")
    if state.status != "escalated":
        return ()
    outcome: Outcome = command.outcome or ("recovered" if state.recovered_minor else "withdrawn")
    return (
        LegalCaseClosed(
            legal_case_id=state.legal_case_id, case_id=state.case_id, outcome=outcome,
            recovered_minor=state.recovered_minor, cost_minor=0, on=command.on,
        ),
    )  # fmt: skip


def _named(state: LegalCase, approval_id: str) -> Approval | None:
    """Return the approval if it is the one that the person speaks of, and not a newer one of the same case."""
    if state.approval is not None and state.approval.approval_id != approval_id:
        raise ApprovalEnded("a newer proposal has taken the place of this one", approval_id=approval_id)
    return state.approval


def evolve(state: LegalCase, event: Event) -> LegalCase:
    """Return the case after `event`.

    Raises:
        CorruptStream: the event cannot follow.
    """
    change = msgspec.structs.replace
    match event:
        case EscalationProposed() if state.status in ("nothing", "ended"):
            return change(
                state, status="proposed", case_id=event.case_id, legal_case_id=event.legal_case_id,
                loan_ids=event.loan_ids, expected_net_minor=event.expected_net_minor, proposals=state.proposals + 1,
            )  # fmt: skip
        case ApprovalRequested() | ApprovalGranted():
            return change(state, approval=approvals.evolve(state.approval, event))
        case ApprovalRefused() | ApprovalExpired():
            return change(state, approval=approvals.evolve(state.approval, event), status="ended")
        case EscalatedToLegal() if state.status == "proposed":
            return change(state, status="escalated", loan_ids=event.loan_ids)
        case ClaimReduced() if state.status == "escalated":
            receipt = Receipt(event.loan_id, event.amount_minor)
            return change(state, receipts={**state.receipts, event.repayment_id: receipt})
        case ClaimRestored() if event.repayment_id in state.receipts:
            left = {key: value for key, value in state.receipts.items() if key != event.repayment_id}
            return change(state, receipts=left)
        case LegalCaseClosed() if state.status == "escalated":
            return change(state, status="closed")
        case _:
            raise CorruptStream(f"{type(event).__name__} cannot follow in a legal case that is {state.status}")


def wakes_on(state: LegalCase) -> date | None:
    """Return the business date at whose close an undecided proposal expires."""
    return approvals.wakes_on(state.approval)


LEGAL_CASE: Final = Decider(
    name="legal-case", initial=LegalCase(), decide=decide, evolve=evolve, state_type=LegalCase, state_version=1,
    wakes_on=wakes_on,
)  # fmt: skip


def legal_case_of(case_id: str, debtor_id: str) -> StreamRef[Command, LegalCase]:
    """Return the stream of the legal case of a collection case."""
    return StreamRef(LEGAL_CASE, case_id, debtor_id)
