"""Which way through the courts a claim goes, as data. Pure.

Small claims have one instance and take two months (Civil Procedure Law 165-168): up to half the yearly average wage of
the province. The limit below is a house figure for the nation until provinces are told apart; a debtor who is missing
may not be sued that way, which the lawyer checks before filing. Other currencies go to ordinary procedure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from arrears.values.money import to_minor

Route = Literal["small_claims", "summary", "ordinary"]


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """Inclusive limits of claims in yuan: small claims, then summary procedure, then ordinary."""

    version: int = 1
    small_claims_up_to_yuan: int = 50_000
    summary_up_to_yuan: int = 1_000_000


POLICY: Final = RoutePolicy()


def route_of(claim_minor: int, currency: str, policy: RoutePolicy = POLICY) -> Route:
    """Return the route that a claim of this size takes."""
    if currency != "CNY":
        return "ordinary"
    if claim_minor <= to_minor(str(policy.small_claims_up_to_yuan), "CNY"):
        return "small_claims"
    return "summary" if claim_minor <= to_minor(str(policy.summary_up_to_yuan), "CNY") else "ordinary"
