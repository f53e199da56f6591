"""What legal publishes: escalations and their end."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from arrears.events.registry import Count, Currency, Event, Minor, NaturalMinor, PositiveMinor, published
from arrears.values.balance import Accruing, Components


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What is claimed, by component, in minor units."""

    principal_minor: NaturalMinor
    interest_minor: NaturalMinor
    penalty_minor: NaturalMinor
    cost_minor: NaturalMinor


@published("legal")
class EscalatedToLegal(Event, frozen=True, kw_only=True):
    """Two people approved: the debt goes the legal way, with a claim as of a date."""

    legal_case_id: str
    case_id: str
    loan_ids: tuple[str, ...]
    claim: Claim
    currency: Currency
    as_of: date
    route: Literal[
        "notarial", "payment_order", "small_claims", "summary", "ordinary", "arbitration", "mediation", "security"
    ]
    expected_net_minor: Minor
    approved_by: tuple[str, ...]


@published("legal")
class LegalCaseClosed(Event, frozen=True, kw_only=True):
    """The legal case ended."""

    legal_case_id: str
    case_id: str
    outcome: Literal["recovered", "withdrawn", "settled", "rejected", "uncollectable"]
    recovered_minor: NaturalMinor
    cost_minor: NaturalMinor
    on: date


@published("legal")
class ClaimBalanceChanged(Event, frozen=True, kw_only=True):
    """What could be claimed of an overdue loan changed: what is due as of a day, and what it grows by."""

    loan_id: str
    as_of: date
    currency: Currency
    due: Components
    accruing: tuple[Accruing, ...] = ()


@published("legal")
class ClaimExtinguished(Event, frozen=True, kw_only=True):
    """Nothing of the loan is overdue any more; `open_claims` of the debtor's loans still are."""

    loan_id: str
    on: date
    open_claims: Count


@published("legal")
class DebtReferred(Event, frozen=True, kw_only=True):
    """A collection case asks for legal action on the debtor's debt."""

    case_id: str


@published("legal")
class DebtReleased(Event, frozen=True, kw_only=True):
    """No legal action is asked for or under way any more."""

    case_id: str


@published("legal")
class EscalationProposed(Event, frozen=True, kw_only=True):
    """The legal way was advised; two people must approve `approval_id` before anything happens."""

    legal_case_id: str
    case_id: str
    approval_id: str
    loan_ids: tuple[str, ...]
    currency: str
    expected_net_minor: Minor
    cost_minor: Minor
    reasons: tuple[str, ...]
    proposed_on: date


@published("legal")
class ClaimReduced(Event, frozen=True, kw_only=True):
    """Money arrived for a loan in legal hands; `recovered_minor` is the sum since the escalation."""

    legal_case_id: str
    loan_id: str
    repayment_id: str
    amount_minor: PositiveMinor
    recovered_minor: NaturalMinor
    on: date


@published("legal")
class ClaimRestored(Event, frozen=True, kw_only=True):
    """A repayment that had reduced the claim was taken back."""

    legal_case_id: str
    loan_id: str
    repayment_id: str
    amount_minor: PositiveMinor
    recovered_minor: NaturalMinor
    on: date
