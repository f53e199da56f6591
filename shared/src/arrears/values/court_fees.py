"""What a Chinese court charges, in fen: State Council order 481 (2006) on the payment of litigation costs. Pure.

Two services need it: scoring weighs a suit before it is proposed, legal shows what the steps of a case will cost.
It is law, not a lender's rule. Amounts are CNY; other currencies have no fee here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from arrears.values.money import round_minor

_YUAN: Final = 100

# (upper end of the slice in yuan, rate inside the slice); the slice above the last end has the rate beside it.
_PROPERTY_CASE: Final = (
    (10_000, Decimal(0)), (100_000, Decimal("0.025")), (200_000, Decimal("0.02")), (500_000, Decimal("0.015")),
    (1_000_000, Decimal("0.01")), (2_000_000, Decimal("0.009")), (5_000_000, Decimal("0.008")),
    (10_000_000, Decimal("0.007")), (20_000_000, Decimal("0.006")),
)  # fmt: skip
_PROPERTY_CASE_ABOVE: Final = Decimal("0.005")
_PROPERTY_CASE_BASE_YUAN: Final = 50

_PRESERVATION: Final = ((1_000, Decimal(0)), (100_000, Decimal("0.01")))
_PRESERVATION_ABOVE: Final = Decimal("0.005")
_PRESERVATION_BASE_YUAN: Final = 30
_PRESERVATION_MOST_YUAN: Final = 5_000

_ENFORCEMENT: Final = (
    (10_000, Decimal(0)), (500_000, Decimal("0.015")), (5_000_000, Decimal("0.01")), (10_000_000, Decimal("0.005")),
)  # fmt: skip
_ENFORCEMENT_ABOVE: Final = Decimal("0.001")
_ENFORCEMENT_BASE_YUAN: Final = 50

_Slices = tuple[tuple[int, Decimal], ...]


def filing_fee_minor(claim_minor: int) -> int:
    """Return the acceptance fee of a property case in ordinary procedure (Art. 13 no. 1).

    Raises:
        ValueError: the claim is not above zero.
    """
    return round_minor(_filing(claim_minor))


def summary_fee_minor(claim_minor: int) -> int:
    """Return the fee in summary procedure, and of a case that ends by mediation or withdrawal: half (Art. 15, 16)."""
    return round_minor(_filing(claim_minor) / 2)


def payment_order_fee_minor(claim_minor: int) -> int:
    """Return the fee of an application for a payment order: a third (Art. 14 no. 3)."""
    return round_minor(_filing(claim_minor) / 3)


def preservation_fee_minor(claim_minor: int) -> int:
    """Return the fee of preserving property worth the claim, at most 5,000 yuan (Art. 14 no. 2)."""
    fee = _sliced(claim_minor, _PRESERVATION_BASE_YUAN, _PRESERVATION, _PRESERVATION_ABOVE)
    return round_minor(min(fee, Decimal(_PRESERVATION_MOST_YUAN * _YUAN)))


def enforcement_fee_minor(claim_minor: int) -> int:
    """Return the fee of enforcing the claim; it is taken after the enforcement (Art. 14 no. 1, 20)."""
    return round_minor(_sliced(claim_minor, _ENFORCEMENT_BASE_YUAN, _ENFORCEMENT, _ENFORCEMENT_ABOVE))


def _filing(claim_minor: int) -> Decimal:
    return _sliced(claim_minor, _PROPERTY_CASE_BASE_YUAN, _PROPERTY_CASE, _PROPERTY_CASE_ABOVE)


def _sliced(claim_minor: int, base_yuan: int, slices: _Slices, above: Decimal) -> Decimal:
    """Return the exact fee in fen: a base for the first slice, then each slice at its own rate."""
    if claim_minor <= 0:
        raise ValueError(f"a claim of {claim_minor} fen has no court fee")
    fee, lower = Decimal(base_yuan * _YUAN), 0
    for end_yuan, rate in slices:
        upper = end_yuan * _YUAN
        fee += max(0, min(claim_minor, upper) - lower) * rate
        lower = upper
    return fee + max(0, claim_minor - lower) * above
