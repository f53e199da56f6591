"""Every cell of the segment table and both sides of every limit."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.features import Behaviour, Features, OverdueLoan, feature_hash, features_of, in_yuan
from scoring.domain.segments import SEGMENTS, InvalidSegmentTable, SegmentTable, segment_of, willingness

SEVERITY = ["light", "moderate", "severe"]


def features(days: int, yuan: int) -> Features:
    return Features(
        days_past_due=days, overdue_minor=yuan * 100, currency="CNY", overdue_yuan=yuan, prior_episodes=0,
        behaviour=Behaviour(),
    )  # fmt: skip


CELLS = [
    ((1, 30), (1, 10_000), "light"), ((1, 30), (10_001, 50_000), "light"), ((1, 30), (50_001, 9**9), "moderate"),
    ((31, 60), (1, 10_000), "light"), ((31, 60), (10_001, 50_000), "moderate"), ((31, 60), (50_001, 9**9), "severe"),
    ((61, 90), (1, 10_000), "moderate"), ((61, 90), (10_001, 50_000), "moderate"), ((61, 90), (50_001, 9**9), "severe"),
    ((91, 4_000), (1, 10_000), "severe"), ((91, 4_000), (10_001, 50_000), "severe"), ((91, 4_000), (50_001, 9**9), "severe"),
]  # fmt: skip


@pytest.mark.parametrize(("days", "yuan", "segment"), CELLS)
def test_each_cell_at_its_corners(days: tuple[int, int], yuan: tuple[int, int], segment: str) -> None:
    assert {segment_of(features(d, y))[0] for d in days for y in yuan} == {segment}


def test_the_reasons_name_both_ranges() -> None:
    assert segment_of(features(31, 50_000))[1] == ("days_past_due_31_60", "overdue_yuan_10001_50000")
    assert segment_of(features(91, 50_001))[1] == ("days_past_due_91_up", "overdue_yuan_50001_up")
    assert segment_of(features(1, 0))[1] == ("days_past_due_0_30", "overdue_yuan_0_10000")


@given(st.integers(0, 500), st.integers(0, 10**7), st.integers(0, 500), st.integers(0, 10**7))
def test_a_longer_or_larger_debt_is_never_milder(days: int, yuan: int, more_days: int, more_yuan: int) -> None:
    milder, harsher = segment_of(features(days, yuan))[0], segment_of(features(days + more_days, yuan + more_yuan))[0]
    assert SEVERITY.index(milder) <= SEVERITY.index(harsher)


@pytest.mark.parametrize(
    "broken",
    [
        {"day_limits": (30, 30, 90)},
        {"day_limits": (60, 30, 90)},
        {"yuan_limits": ()},
        {"yuan_limits": (0, 10)},
        {"rows": SEGMENTS.rows[:3]},
        {"rows": (("light", "light"), *SEGMENTS.rows[1:])},
        {"rows": (*SEGMENTS.rows[:3], ("severe", "severe", "light"))},
        {"rows": (("severe", "severe", "severe"), *SEGMENTS.rows[1:])},
    ],
)
def test_a_table_that_is_not_whole_or_not_monotone_is_refused(broken: dict[str, object]) -> None:
    whole = {
        "version": 2,
        "day_limits": SEGMENTS.day_limits,
        "yuan_limits": SEGMENTS.yuan_limits,
        "rows": SEGMENTS.rows,
    }
    with pytest.raises(InvalidSegmentTable):
        SegmentTable(**{**whole, **broken})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("behaviour", "level"),
    [
        (Behaviour(), "unknown"),
        (Behaviour(promises_kept=1), "high"),
        (Behaviour(repayments=1), "high"),
        (Behaviour(promises_broken=1), "low"),
        (Behaviour(promises_broken=1, promises_kept=1), "unknown"),
        (Behaviour(promises_broken=2, promises_kept=1), "low"),
        (Behaviour(promises_broken=1, promises_kept=1, repayments=1), "high"),
    ],
)
def test_willingness_weighs_what_was_kept_against_what_was_broken(behaviour: Behaviour, level: str) -> None:
    assert willingness(behaviour) == level


def loan(days: int, minor: int, currency: str = "CNY", prior: int = 0) -> OverdueLoan:
    return OverdueLoan(
        episode_id="e", days_past_due=days, bucket="M1", overdue_minor=minor, currency=currency, prior_episodes=prior
    )


def test_loans_of_one_currency_add_up() -> None:
    result = features_of({"a": loan(5, 100_050), "b": loan(40, 200_000, prior=2)}, Behaviour())
    assert (result.days_past_due, result.overdue_minor, result.overdue_yuan) == (40, 300_050, 3_000)
    assert result.prior_episodes == 2


def test_amounts_of_another_currency_are_not_added() -> None:
    result = features_of({"a": loan(5, 100_000), "b": loan(40, 200_000, "EUR")}, Behaviour())
    assert (result.currency, result.overdue_minor, result.days_past_due) == ("EUR", 200_000, 40)


@pytest.mark.parametrize(
    ("minor", "currency", "yuan"),
    [(199_999, "CNY", 1_999), (10_000, "EUR", 800), (10_000, "JPY", 500), (10_000, "XYZ", 100)],
)
def test_amounts_are_placed_in_yuan_bands(minor: int, currency: str, yuan: int) -> None:
    assert in_yuan(minor, currency) == yuan


def test_the_feature_hash_names_the_inputs() -> None:
    one = features(31, 5_000)
    assert feature_hash(one) == feature_hash(features(31, 5_000))
    assert feature_hash(one) != feature_hash(msgspec.structs.replace(one, prior_episodes=1))
