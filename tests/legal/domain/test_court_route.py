"""Which court procedure a claim takes."""

from __future__ import annotations

import pytest

from legal.domain.court_route import route_of


@pytest.mark.parametrize(
    ("claim_minor", "currency", "route"),
    [
        (1, "CNY", "small_claims"),
        (5_000_000, "CNY", "small_claims"),
        (5_000_001, "CNY", "summary"),
        (100_000_000, "CNY", "summary"),
        (100_000_001, "CNY", "ordinary"),
        (100, "EUR", "ordinary"),
    ],
)
def test_the_size_of_the_claim_decides(claim_minor: int, currency: str, route: str) -> None:
    assert route_of(claim_minor, currency) == route
