"""Money as integer minor units of an ISO 4217 currency. Pure; never a float."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

# ISO 4217 minor units that are not 2 (source: ISO 4217 list one, amendment 176).
_EXPONENTS: Final = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
    "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
    "CLF": 4, "UYW": 4,
}  # fmt: skip
_MOST_DIGITS: Final = 14  # of major units: with four decimal places it still is a bigint
_EXACT_DIGITS: Final = 28  # what decimal arithmetic keeps without rounding


class InvalidAmount(ValueError):
    """An amount that is no number, not finite, too large, or finer than the currency's minor unit."""


def exponent(currency: str) -> int:
    """Return how many decimal places `currency` has (ISO 4217); 2 where the list names no other."""
    return _EXPONENTS.get(currency, 2)


def to_minor(amount: str | Decimal, currency: str) -> int:
    """Return the decimal `amount` (major units) as integer minor units.

    Raises:
        InvalidAmount: not a finite number, too large, or with a fraction of a minor unit.
    """
    try:
        given = Decimal(amount)
    except (InvalidOperation, ValueError) as error:
        raise InvalidAmount(f"{amount!r} is not an amount") from error
    if not given.is_finite():
        raise InvalidAmount(f"{amount!r} is not finite")
    if not -_EXACT_DIGITS < given.adjusted() < _MOST_DIGITS or len(given.as_tuple().digits) > _EXACT_DIGITS:
        raise InvalidAmount(f"{str(amount)[:40]!r} has more digits than an amount can have")
    exact = given.scaleb(exponent(currency))
    if exact != exact.to_integral_value():
        raise InvalidAmount(f"{amount!r} is finer than one minor unit of {currency}")
    return int(exact)


def to_major(amount_minor: int, currency: str) -> Decimal:
    """Return `amount_minor` as a decimal number of major units."""
    return Decimal(amount_minor).scaleb(-exponent(currency))


def round_minor(exact_minor: Decimal) -> int:
    """Round an exact number of minor units half up, as at posting (cases/ledger.md)."""
    return int(exact_minor.quantize(Decimal(1), rounding=ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of `currency` in minor units, for text that people read."""

    amount_minor: int
    currency: str

    def __str__(self) -> str:
        return f"{to_major(self.amount_minor, self.currency):,} {self.currency}"
