"""What is owed and what it grows to, by day count, rounded half up at the minor unit for each accrual."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.values.balance import Accruing, Components, DayCount, accrued_minor


def accruing(base: int, rate: str, day_count: DayCount, start: date) -> Accruing:
    return Accruing(kind="penalty", base_minor=base, rate=rate, day_count=day_count, from_on=start)


JANUARY = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("day_count", "start", "end", "expected"),
    [
        # 100,000.00 at 7.2 % a year
        ("ACT360", date(2026, 1, 1), date(2026, 1, 31), 60_000),
        ("ACT365", date(2026, 1, 1), date(2026, 1, 31), 59_178),  # 59,178.08
        ("30E360", date(2026, 1, 1), date(2026, 1, 31), 58_000),  # the 31st counts as the 30th
        ("30E360", date(2026, 1, 31), date(2026, 2, 28), 56_000),
        ("30E360", date(2026, 2, 28), date(2026, 3, 31), 64_000),
        ("30E360", date(2024, 2, 29), date(2025, 2, 28), 718_000),
        ("ACT365", date(2024, 2, 28), date(2024, 3, 1), 3_945),  # two days, over the leap day
        ("ACT360", date(2026, 1, 1), date(2027, 1, 1), 730_000),
    ],
)
def test_an_amount_grows_by_its_day_count(day_count: DayCount, start: date, end: date, expected: int) -> None:
    assert accrued_minor([accruing(10_000_000, "0.072", day_count, start)], end) == expected


@pytest.mark.parametrize("on", [JANUARY, JANUARY - timedelta(days=400)])
def test_nothing_has_grown_on_the_first_day_or_before(on: date) -> None:
    assert accrued_minor([accruing(10_000_000, "0.24", "ACT365", JANUARY)], on) == 0


def test_the_fraction_that_was_rounded_away_is_carried() -> None:
    third = msgspec.structs.replace(accruing(12_000, "0.01", "ACT360", JANUARY), grown_minor_days=12_000)
    told = [accrued_minor([third], JANUARY + timedelta(days=n)) for n in range(4)]
    assert told == [0, 1, 1, 1]  # 0.33 before, then 0.67, 1.00, 1.33 in all
    assert accrued_minor([third], JANUARY + timedelta(days=2)) - accrued_minor([third], JANUARY) == 1


def test_each_accrual_is_rounded_by_itself() -> None:
    half = accruing(36_000, "0.005", "ACT360", JANUARY)  # exactly half a minor unit a day
    assert accrued_minor([half], JANUARY + timedelta(days=1)) == 1
    assert accrued_minor([half, half], JANUARY + timedelta(days=1)) == 2
    assert accrued_minor([], JANUARY) == 0


@given(
    base=st.integers(0, 10**12),
    rate=st.decimals("0", "0.36", places=6),
    days=st.integers(0, 5_000),
    day_count=st.sampled_from(["ACT360", "ACT365"]),
)
def test_growth_is_within_half_a_minor_unit_of_the_exact_fraction(
    base: int, rate: Decimal, days: int, day_count: DayCount
) -> None:
    grown = accrued_minor([accruing(base, str(rate), day_count, JANUARY)], JANUARY + timedelta(days=days))
    exact = Fraction(base) * Fraction(rate) * days / int(day_count.removeprefix("ACT"))
    assert abs(grown - exact) <= Fraction(1, 2)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 800), st.integers(0, 800))
def test_growth_never_shrinks_from_day_to_day(start: date, first: int, more: int) -> None:
    for day_count in ("ACT360", "ACT365", "30E360"):
        one = accruing(10_000_000, "0.072", day_count, start)
        early, late = start + timedelta(days=first), start + timedelta(days=first + more)
        assert accrued_minor([one], early) <= accrued_minor([one], late)


def test_the_components_add_up() -> None:
    parts = Components(
        cost_minor=1, fee_minor=20, penalty_minor=300, compound_minor=4_000, interest_minor=50_000,
        principal_minor=600_000,
    )  # fmt: skip
    assert parts.total_minor == 654_321
    assert Components().total_minor == 0
