"""Every bin of the points table, the bands, and the probabilities."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.domain.features import Behaviour, Features
from scoring.domain.scorecard import MOST_REASONS, score

# One yuan below the first limits and one earlier episode: 25 + 10 + 0 over the base of 45.
NEUTRAL = Features(
    days_past_due=1, overdue_minor=100_000, currency="CNY", overdue_yuan=1_000, prior_episodes=1, behaviour=Behaviour()
)


def with_(**changes: Any) -> Features:
    own = {name: value for name, value in changes.items() if name in Features.__struct_fields__}
    rest = {name: value for name, value in changes.items() if name not in own}
    behaviour = msgspec.structs.replace(NEUTRAL.behaviour, **rest)
    return msgspec.structs.replace(NEUTRAL, behaviour=behaviour, **own)


TABLE = [
    ("days_past_due", [(1, 25), (7, 25), (8, 15), (30, 15), (31, 0), (60, 0), (61, -15), (90, -15), (91, -30)]),
    ("overdue_yuan", [(0, 10), (1_000, 10), (1_001, 5), (10_000, 5), (10_001, 0), (50_000, 0), (50_001, -10)]),
    ("prior_episodes", [(0, 10), (1, 0), (2, -5), (3, -15), (9, -15)]),
    ("promises_kept", [(0, 0), (1, 10), (2, 15), (7, 15)]),
    ("promises_broken", [(0, 0), (1, -10), (2, -20), (7, -20)]),
    ("repayments", [(0, 0), (1, 10), (5, 10)]),
    ("contacts", [(0, 0), (2, 0), (3, -10), (30, -10)]),
    ("right_party_contacts", [(0, 0), (1, 10), (4, 10)]),
]
BINS = [(name, value, points) for name, bins in TABLE for value, points in bins]
# A neutral debtor long overdue stays far from the ends 0 and 100, where points are cut off.
MIDDLE = {"days_past_due": 45, "overdue_yuan": 20_000, "prior_episodes": 1}


@pytest.mark.parametrize(("name", "value", "points"), BINS)
def test_each_bin_of_the_table(name: str, value: int, points: int) -> None:
    assert score(with_(**MIDDLE)).points == 45
    assert score(with_(**{**MIDDLE, name: value})).points == 45 + points


def test_points_are_cut_to_the_scale() -> None:
    best = with_(prior_episodes=0, promises_kept=2, repayments=1, contacts=1, right_party_contacts=1)
    worst = with_(days_past_due=200, overdue_yuan=90_000, prior_episodes=5, promises_broken=4, contacts=9)
    assert (score(best).points, score(best).band) == (100, "A")
    assert (score(worst).points, score(worst).band) == (0, "E")


@pytest.mark.parametrize(
    ("features", "points", "band", "p_pay", "p_self_cure"),
    [
        (with_(), 80, "A", "0.85", "0.60"),
        (with_(prior_episodes=2), 75, "B", "0.65", "0.40"),
        (with_(prior_episodes=2, overdue_yuan=10_000, promises_broken=1), 60, "C", "0.45", "0.20"),
        (with_(days_past_due=45, overdue_yuan=20_000), 45, "C", "0.45", "0.20"),
        (with_(days_past_due=45, overdue_yuan=20_000, prior_episodes=2), 40, "D", "0.25", "0.10"),
        (with_(days_past_due=45, overdue_yuan=20_000, promises_broken=2), 25, "D", "0.25", "0.10"),
        (with_(days_past_due=91, overdue_yuan=20_000), 15, "E", "0.10", "0.03"),
    ],
)
def test_the_band_gives_the_probabilities(
    features: Features, points: int, band: str, p_pay: str, p_self_cure: str
) -> None:
    result = score(features)
    assert (result.points, result.band, result.p_pay_30d, result.p_self_cure) == (points, band, p_pay, p_self_cure)
    assert result.expected_recovery_minor == 100_000 * Decimal(p_pay)


@pytest.mark.parametrize(
    ("contacts", "reached", "p_contact"), [(0, 0, "0.5000"), (1, 0, "0.3333"), (1, 1, "0.6667"), (8, 2, "0.3000")]
)
def test_the_chance_of_a_contact_follows_what_was_tried(contacts: int, reached: int, p_contact: str) -> None:
    assert score(with_(contacts=contacts, right_party_contacts=reached)).p_contact == p_contact


def test_reasons_are_the_bins_that_took_points_the_worst_first() -> None:
    assert score(with_()).reason_codes == ()
    features = with_(
        days_past_due=95, overdue_yuan=60_000, prior_episodes=2, promises_broken=2, contacts=3, promises_kept=1
    )
    assert score(features).reason_codes == ("very_long_past_due", "promises_broken", "large_amount", "not_reached")
    assert len(score(features).reason_codes) == MOST_REASONS


counts = st.integers(0, 400)
behaviours = st.builds(
    Behaviour,
    contacts=counts,
    right_party_contacts=counts,
    promises_kept=counts,
    promises_broken=counts,
    repayments=counts,
)


@given(days=st.integers(1, 400), more=st.integers(0, 400), yuan=st.integers(0, 10**6), behaviour=behaviours)
def test_more_days_past_due_never_score_better(days: int, more: int, yuan: int, behaviour: Behaviour) -> None:
    earlier = msgspec.structs.replace(NEUTRAL, days_past_due=days, overdue_yuan=yuan, behaviour=behaviour)
    later = msgspec.structs.replace(earlier, days_past_due=days + more)
    assert score(later).points <= score(earlier).points
    assert 0 <= score(later).points <= 100
