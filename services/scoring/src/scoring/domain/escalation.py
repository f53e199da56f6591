"""Is going to court worth it? The expected value of a suit, from house estimates that are data. Pure.

    expected net = p_win × p_collect × claim × δ − filing − preservation − lawyer − (1 − p_win) × costs of losing

The filing fee is that of ordinary procedure, the dearest way; the debtor refunds it only when the suit is won and money
is found, which the formula leaves out on purpose: the advice is on the careful side. People decide, not this figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from arrears.values.court_fees import filing_fee_minor, preservation_fee_minor
from arrears.values.money import round_minor, to_minor
from scoring.domain.features import Features, yuan_per_unit
from scoring.domain.scorecard import Band


@dataclass(frozen=True, slots=True)
class LitigationPolicy:
    """House estimates; amounts in yuan. None of them is calibrated: outcomes of our own suits will replace them.

    `discount` is δ, the present value of a yuan that comes in a year. `other_court_share` stands for court fees where
    the claim is not in yuan, because the fee schedule that we know is that of China.
    """

    version: int = 1
    p_win: Decimal = Decimal("0.90")
    p_collect: Mapping[Band, Decimal] = field(
        default_factory=lambda: {
            "A": Decimal("0.70"), "B": Decimal("0.60"), "C": Decimal("0.50"), "D": Decimal("0.40"), "E": Decimal("0.30"),
        }
    )  # fmt: skip
    discount: Decimal = Decimal("0.95")
    lawyer_fixed_yuan: Decimal = Decimal(300)
    lawyer_share: Decimal = Decimal("0.03")
    preservation_from_yuan: int = 50_000
    losing_yuan: Decimal = Decimal(500)
    other_court_share: Decimal = Decimal("0.05")


POLICY: Final = LitigationPolicy()


@dataclass(frozen=True, slots=True)
class Advice:
    """What a suit is expected to bring after all costs, and the costs that are certain; minor units of the claim's currency."""

    expected_net_minor: int
    cost_minor: int
    reasons: tuple[str, ...]

    @property
    def worthwhile(self) -> bool:
        """The suit brings more than it costs."""
        return self.expected_net_minor > 0


def advise(features: Features, band: Band, policy: LitigationPolicy = POLICY) -> Advice:
    """Return the advice on suing for everything that is overdue.

    Raises:
        ValueError: nothing is overdue.
    """
    claim = features.overdue_minor
    if claim <= 0:
        raise ValueError("there is nothing to claim")
    in_yuan = features.currency == "CNY"
    court = _court_fees(claim, features.overdue_yuan, policy) if in_yuan else claim * policy.other_court_share
    lawyer = max(_from_yuan(policy.lawyer_fixed_yuan, features.currency), claim * policy.lawyer_share)
    cost = court + lawyer
    losing = (1 - policy.p_win) * _from_yuan(policy.losing_yuan, features.currency)
    gain = policy.p_win * policy.p_collect[band] * claim * policy.discount
    reasons = ["treatment_exhausted", f"band_{band.lower()}", f"litigation_policy_{policy.version}"]
    if not in_yuan:
        reasons.append("court_fee_estimated")
    return Advice(round_minor(gain - cost - losing), round_minor(cost), tuple(reasons))


def _court_fees(claim: int, claim_yuan: int, policy: LitigationPolicy) -> Decimal:
    """Filing, and preservation where the claim is large enough to look for property first."""
    preservation = preservation_fee_minor(claim) if claim_yuan >= policy.preservation_from_yuan else 0
    return Decimal(filing_fee_minor(claim) + preservation)


def _from_yuan(yuan: Decimal, currency: str) -> Decimal:
    """Return a house estimate in minor units of `currency`, by the same round figures that place amounts in bands."""
    units = (yuan / yuan_per_unit(currency)).quantize(Decimal(1))
    return Decimal(to_minor(units, currency))
