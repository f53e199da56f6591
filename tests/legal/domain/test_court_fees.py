"""Court fees against worked examples of the State Council's measures of 2006, in yuan."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.values.court_fees import (
    enforcement_fee_minor,
    filing_fee_minor,
    payment_order_fee_minor,
    preservation_fee_minor,
    summary_fee_minor,
)
from arrears.values.money import to_minor

# claim, ordinary, summary, payment order, preservation, enforcement
WORKED = [
    ("50000", "1050", "525", "350", "520", "650"),
    ("300000", "5800", "2900", "1933.33", "2020", "4400"),
]


@pytest.mark.parametrize(("claim", "filing", "summary", "order", "preservation", "enforcement"), WORKED)
def test_the_worked_examples(
    claim: str, filing: str, summary: str, order: str, preservation: str, enforcement: str
) -> None:
    fen = to_minor(claim, "CNY")
    assert filing_fee_minor(fen) == to_minor(filing, "CNY")
    assert summary_fee_minor(fen) == to_minor(summary, "CNY")
    assert payment_order_fee_minor(fen) == to_minor(order, "CNY")
    assert preservation_fee_minor(fen) == to_minor(preservation, "CNY")
    assert enforcement_fee_minor(fen) == to_minor(enforcement, "CNY")


@pytest.mark.parametrize(
    ("claim", "fee"),
    [
        ("0.01", "50"), ("10000", "50"), ("100000", "2300"), ("200000", "4300"), ("500000", "8800"),
        ("1000000", "13800"), ("2000000", "22800"), ("5000000", "46800"), ("10000000", "81800"),
        ("20000000", "141800"), ("30000000", "191800"),
    ],
)  # fmt: skip
def test_the_filing_fee_at_the_end_of_each_slice(claim: str, fee: str) -> None:
    assert filing_fee_minor(to_minor(claim, "CNY")) == to_minor(fee, "CNY")


@pytest.mark.parametrize(
    ("claim", "fee"), [("1000", "30"), ("100000", "1020"), ("896000", "5000"), ("9000000", "5000")]
)
def test_preservation_costs_at_most_five_thousand(claim: str, fee: str) -> None:
    assert preservation_fee_minor(to_minor(claim, "CNY")) == to_minor(fee, "CNY")


@pytest.mark.parametrize(
    ("claim", "fee"),
    [("10000", "50"), ("500000", "7400"), ("5000000", "52400"), ("10000000", "77400"), ("11000000", "78400")],
)
def test_the_enforcement_fee_at_the_end_of_each_slice(claim: str, fee: str) -> None:
    assert enforcement_fee_minor(to_minor(claim, "CNY")) == to_minor(fee, "CNY")


FEES = [filing_fee_minor, summary_fee_minor, payment_order_fee_minor, preservation_fee_minor, enforcement_fee_minor]


@pytest.mark.parametrize("fee", FEES)
@pytest.mark.parametrize("claim", [0, -1])
def test_nothing_to_claim_has_no_fee(fee: Callable[[int], int], claim: int) -> None:
    with pytest.raises(ValueError, match="has no court fee"):
        fee(claim)


@given(claim=st.integers(1, 10**12), more=st.integers(1, 10**9))
def test_a_larger_claim_never_costs_less(claim: int, more: int) -> None:
    for fee in FEES:
        assert fee(claim) <= fee(claim + more)
    assert summary_fee_minor(claim) * 2 - filing_fee_minor(claim) in (-1, 0, 1)
