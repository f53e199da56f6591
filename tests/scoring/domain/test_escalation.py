"""The expected value of a suit, worked by hand."""

from __future__ import annotations

import pytest

from scoring.domain.escalation import advise
from scoring.domain.features import Behaviour, Features, in_yuan


def features(overdue_minor: int, currency: str = "CNY") -> Features:
    return Features(
        days_past_due=95, overdue_minor=overdue_minor, currency=currency, overdue_yuan=in_yuan(overdue_minor, currency),
        prior_episodes=0, behaviour=Behaviour(),
    )  # fmt: skip


def test_a_suit_for_twenty_thousand_yuan() -> None:
    # gain 0.9 × 0.5 × 20,000 × 0.95 = 8,550; filing 50 + 2.5 % of 10,000 = 300; lawyer 3 % = 600; losing 0.1 × 500 = 50
    advice = advise(features(2_000_000), "C")
    assert (advice.expected_net_minor, advice.cost_minor) == (760_000, 90_000)
    assert advice.worthwhile
    assert advice.reasons == ("treatment_exhausted", "band_c", "litigation_policy_1")


def test_a_large_claim_pays_for_preservation() -> None:
    # filing 1,050, preservation 520, lawyer 1,500; gain 0.9 × 0.3 × 50,000 × 0.95 = 12,825; losing 50
    advice = advise(features(5_000_000), "E")
    assert (advice.expected_net_minor, advice.cost_minor) == (970_500, 307_000)


def test_a_small_claim_costs_more_than_it_brings() -> None:
    # gain 0.9 × 0.5 × 500 × 0.95 = 213.75; filing 50, lawyer 300, losing 50
    advice = advise(features(50_000), "C")
    assert (advice.expected_net_minor, advice.cost_minor) == (-18_625, 35_000)
    assert not advice.worthwhile


def test_court_fees_outside_china_are_an_estimate_and_say_so() -> None:
    # 5 % of 1,000 for the court; lawyer 300 / 8 = 38 EUR (rounded half to even); gain 0.9 × 0.7 × 1,000 × 0.95 = 598.50
    advice = advise(features(100_000, "EUR"), "A")
    assert advice.cost_minor == 8_800
    assert advice.expected_net_minor == 59_850 - 8_800 - 620
    assert "court_fee_estimated" in advice.reasons


def test_nothing_to_claim_has_no_advice() -> None:
    with pytest.raises(ValueError, match="nothing to claim"):
        advise(features(0), "A")
