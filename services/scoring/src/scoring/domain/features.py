"""What scoring knows of a debtor, and the figures that its models see of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal

import msgspec

from arrears.events.ingest import Bucket
from arrears.values.money import to_major

BehaviourKind = Literal["contact_attempted", "right_party_contact", "promise_kept", "promise_broken", "repayment"]

# Yuan for one major unit, in round figures of 2026: they only place an amount in a band, no money is converted by them.
# A currency that is not named counts at face value.
_YUAN_PER_UNIT: Final = {
    "CNY": Decimal(1), "USD": Decimal(7), "EUR": Decimal(8), "CHF": Decimal(9), "GBP": Decimal(9), "JPY": Decimal("0.05"),
    "INR": Decimal("0.08"), "BRL": Decimal("1.3"), "HKD": Decimal("0.9"),
}  # fmt: skip


class OverdueLoan(msgspec.Struct, frozen=True, kw_only=True):
    """One loan in an open episode of delinquency, as last heard from ingest."""

    episode_id: str
    days_past_due: int
    bucket: Bucket
    overdue_minor: int
    currency: str
    prior_episodes: int


class Behaviour(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of what the debtor did and what was tried, since the debtor first became overdue."""

    contacts: int = 0
    right_party_contacts: int = 0
    promises_kept: int = 0
    promises_broken: int = 0
    repayments: int = 0


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a score or a segment depends on; `overdue_yuan` is whole yuan, only for bands."""

    days_past_due: int
    overdue_minor: int
    currency: str
    overdue_yuan: int
    prior_episodes: int
    behaviour: Behaviour


def counted(behaviour: Behaviour, kind: BehaviourKind) -> Behaviour:
    """Return the counts after one more observation; a contact with the right party is also a contact."""
    match kind:
        case "contact_attempted":
            return msgspec.structs.replace(behaviour, contacts=behaviour.contacts + 1)
        case "right_party_contact":
            return msgspec.structs.replace(
                behaviour,
                contacts=behaviour.contacts + 1,
                right_party_contacts=behaviour.right_party_contacts + 1,
            )
        case "promise_kept":
            return msgspec.structs.replace(behaviour, promises_kept=behaviour.promises_kept + 1)
        case "promise_broken":
            return msgspec.structs.replace(behaviour, promises_broken=behaviour.promises_broken + 1)
        case "repayment":
            return msgspec.structs.replace(behaviour, repayments=behaviour.repayments + 1)


def main_currency(loans: Mapping[str, OverdueLoan]) -> str:
    """Return the currency of the loan that is overdue longest (then of the first by id).

    Amounts of different currencies are not added: a debtor's score and claim are of this one.
    """
    return min(loans.items(), key=lambda item: (-item[1].days_past_due, item[0]))[1].currency


def features_of(loans: Mapping[str, OverdueLoan], behaviour: Behaviour) -> Features:
    """Return the figures of a debtor with at least one overdue loan."""
    currency = main_currency(loans)
    overdue = sum(loan.overdue_minor for loan in loans.values() if loan.currency == currency)
    return Features(
        days_past_due=max(loan.days_past_due for loan in loans.values()),
        overdue_minor=overdue,
        currency=currency,
        overdue_yuan=in_yuan(overdue, currency),
        prior_episodes=max(loan.prior_episodes for loan in loans.values()),
        behaviour=behaviour,
    )


def in_yuan(amount_minor: int, currency: str) -> int:
    """Return about how many whole yuan an amount is, rounded down."""
    return int(to_major(amount_minor, currency) * yuan_per_unit(currency))


def yuan_per_unit(currency: str) -> Decimal:
    """Return the round figure by which amounts of `currency` are placed in bands."""
    return _YUAN_PER_UNIT.get(currency, Decimal(1))


def feature_hash(features: Features) -> str:
    """Return the SHA-256 of the features, so that a stored score can be checked against its inputs later."""
    return hashlib.sha256(msgspec.json.encode(features, order="deterministic")).hexdigest()
