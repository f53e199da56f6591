"""The expert scorecard: points that people wrote down, not a model that was trained. Pure.

Points start at `BASE` and change by one bin of each attribute; the sum is cut to 0…100. The band of the sum gives the
probabilities. They are expert estimates to rank debtors by until a model has been fitted to outcomes; nothing here has
been calibrated. A reason is the code of a bin that took points away, the worst first.

    attribute                      bins (up to and including → points)
    days past due                  7 → +25 · 30 → +15 · 60 → 0 · 90 → −15 · more → −30
    overdue, in yuan               1,000 → +10 · 10,000 → +5 · 50,000 → 0 · more → −10
    earlier episodes               0 → +10 · 1 → 0 · 2 → −5 · more → −15
    promises kept                  0 → 0 · 1 → +10 · more → +15
    promises broken                0 → 0 · 1 → −10 · more → −20
    contacts without right party   none reached: 2 → 0 · more → −10; once reached → +10
    repayments in arrears          0 → 0 · more → +10
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

from arrears.values.money import round_minor
from scoring.domain.features import Features

MODEL_ID: Final = "expert-scorecard"
MODEL_VERSION: Final = 1
BASE: Final = 45
MOST_REASONS: Final = 4

Band = Literal["A", "B", "C", "D", "E"]


@dataclass(frozen=True, slots=True)
class Bin:
    """Values up to `up_to` (None: the rest) are worth `points`; `reason` names it when it takes points away."""

    up_to: int | None
    points: int
    reason: str = ""


_DAYS: Final = (
    Bin(7, 25), Bin(30, 15), Bin(60, 0), Bin(90, -15, "long_past_due"), Bin(None, -30, "very_long_past_due"),
)  # fmt: skip
_AMOUNT: Final = (Bin(1_000, 10), Bin(10_000, 5), Bin(50_000, 0), Bin(None, -10, "large_amount"))
_EPISODES: Final = (Bin(0, 10), Bin(1, 0), Bin(2, -5, "overdue_before"), Bin(None, -15, "often_overdue_before"))
_KEPT: Final = (Bin(0, 0), Bin(1, 10), Bin(None, 15))
_BROKEN: Final = (Bin(0, 0), Bin(1, -10, "promise_broken"), Bin(None, -20, "promises_broken"))
_UNREACHED: Final = (Bin(2, 0), Bin(None, -10, "not_reached"))
_REACHED: Final = 10
_REPAYMENTS: Final = (Bin(0, 0), Bin(None, 10))

# Lowest points of the band, and the expert's estimates for it.
_BANDS: Final[tuple[tuple[int, Band, str, str], ...]] = (
    (80, "A", "0.60", "0.85"),
    (65, "B", "0.40", "0.65"),
    (45, "C", "0.20", "0.45"),
    (25, "D", "0.10", "0.25"),
    (0, "E", "0.03", "0.10"),
)


@dataclass(frozen=True, slots=True)
class Score:
    """What the scorecard says; probabilities are decimal strings, `expected_recovery_minor` is for the next 30 days."""

    points: int
    band: Band
    p_self_cure: str
    p_pay_30d: str
    p_contact: str
    expected_recovery_minor: int
    reason_codes: tuple[str, ...]


def score(features: Features) -> Score:
    """Return the score of a debtor."""
    bins = _bins_of(features)
    reached = _REACHED if features.behaviour.right_party_contacts else 0
    points = max(0, min(100, BASE + reached + sum(each.points for each in bins)))
    band, p_self_cure, p_pay = next((b, cure, pay) for lowest, b, cure, pay in _BANDS if points >= lowest)
    adverse = sorted((each for each in bins if each.points < 0), key=lambda each: (each.points, each.reason))
    return Score(
        points=points,
        band=band,
        p_self_cure=p_self_cure,
        p_pay_30d=p_pay,
        p_contact=_contact_probability(features),
        expected_recovery_minor=round_minor(features.overdue_minor * Decimal(p_pay)),
        reason_codes=tuple(each.reason for each in adverse[:MOST_REASONS]),
    )


def _bins_of(features: Features) -> list[Bin]:
    behaviour = features.behaviour
    bins = [
        _bin(_DAYS, features.days_past_due),
        _bin(_AMOUNT, features.overdue_yuan),
        _bin(_EPISODES, features.prior_episodes),
        _bin(_KEPT, behaviour.promises_kept),
        _bin(_BROKEN, behaviour.promises_broken),
        _bin(_REPAYMENTS, behaviour.repayments),
    ]
    if not behaviour.right_party_contacts:
        bins.append(_bin(_UNREACHED, behaviour.contacts))
    return bins


def _bin(bins: tuple[Bin, ...], value: int) -> Bin:
    return next(each for each in bins if each.up_to is None or value <= each.up_to)


def _contact_probability(features: Features) -> str:
    """Laplace's rule of succession: one half before anything was tried, then the rate of contacts that reached the debtor."""
    behaviour = features.behaviour
    rate = Decimal(behaviour.right_party_contacts + 1) / Decimal(behaviour.contacts + 2)
    return str(rate.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP))
