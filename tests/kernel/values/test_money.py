"""Money: integer minor units of a currency, from decimal text and back, never rounded silently."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.values.money import InvalidAmount, Money, exponent, round_minor, to_major, to_minor

CURRENCIES = st.sampled_from(["CNY", "USD", "JPY", "KWD", "CLF"])


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.34", "CNY", 1234),
        ("12.3", "CNY", 1230),
        ("12.340", "CNY", 1234),
        ("-0.01", "CNY", -1),
        ("0", "CNY", 0),
        ("-0", "CNY", 0),
        ("1e3", "CNY", 100_000),
        ("12", "JPY", 12),
        ("1.234", "KWD", 1234),
        ("1.2345", "CLF", 12_345),
        ("99999999999999.99", "CNY", 9_999_999_999_999_999),
        (Decimal("7.05"), "CNY", 705),
    ],
)
def test_a_decimal_amount_is_so_many_minor_units(amount: str | Decimal, currency: str, minor: int) -> None:
    assert to_minor(amount, currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        ("12.345", "CNY", "finer than one minor unit of CNY"),
        ("0.5", "JPY", "finer than one minor unit of JPY"),
        ("0.01000000000000000000000000001", "CNY", "finer than one minor unit"),
        ("0.0100000000000000000000000000000001", "CNY", "more digits"),
        ("100000000000000", "CNY", "more digits"),
        ("1e999999999", "CNY", "more digits"),
        ("9" * 10_000, "CNY", "more digits"),
        ("1e-999999999", "CNY", "more digits"),
        ("NaN", "CNY", "not finite"),
        ("-Infinity", "CNY", "not finite"),
        ("", "CNY", "not an amount"),
        ("12,34", "CNY", "not an amount"),
        ("¥12", "CNY", "not an amount"),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_no_exact_amount_is_refused(amount: str, currency: str, told: str) -> None:
    with pytest.raises(InvalidAmount, match=told):
        to_minor(amount, currency)


@given(minor=st.integers(-(10**14) + 1, 10**14 - 1), currency=CURRENCIES)
def test_an_amount_survives_the_way_to_text_and_back(minor: int, currency: str) -> None:
    assert to_minor(str(to_major(minor, currency)), currency) == minor


@pytest.mark.parametrize(
    ("exact", "rounded"), [("0.5", 1), ("0.4999", 0), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("-2.5", -3)]
)
def test_an_exact_number_of_minor_units_is_rounded_half_away_from_zero(exact: str, rounded: int) -> None:
    assert round_minor(Decimal(exact)) == rounded


def test_decimal_places_follow_iso_4217() -> None:
    assert [exponent(c) for c in ("CNY", "JPY", "BHD", "UYW", "XXX")] == [2, 0, 3, 4, 2]


def test_money_is_shown_in_major_units_with_its_currency() -> None:
    assert str(Money(123_456_789, "CNY")) == "1,234,567.89 CNY"
    assert str(Money(1234, "JPY")) == "1,234 JPY"
