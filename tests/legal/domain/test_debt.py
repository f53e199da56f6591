"""What of a debtor's loans could be claimed, and as of when."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from arrears.events.ingest import BusinessDayClosed
from arrears.events.legal import Claim, ClaimBalanceChanged, ClaimExtinguished, DebtReferred, DebtReleased
from arrears.eventstore.errors import CorruptStream
from arrears.testing.specification import Specification
from arrears.values.balance import Accruing, Components
from legal.domain.debt import (
    DEBT,
    Debt,
    ExtinguishClaim,
    ReferDebt,
    ReleaseDebt,
    ReopenClaim,
    ReviseClaim,
    WatchClaim,
    claim_of,
    debt_of,
)

DAY = date(2026, 3, 2)
DUE = Components(principal_minor=1_000_000, interest_minor=20_000, fee_minor=500)
# 15 % a year of 10,000.00 by ACT/360: 4.1666… a day
PENALTY = Accruing(kind="penalty", base_minor=1_000_000, rate="0.15", day_count="ACT360", from_on=DAY)
debt = Specification(DEBT)


def balance(loan_id: str = "loan-1", **changes: Any) -> ClaimBalanceChanged:
    values = {"loan_id": loan_id, "as_of": DAY, "currency": "CNY", "due": DUE}
    return ClaimBalanceChanged(**{**values, **changes})


def test_an_overdue_loan_is_followed() -> None:
    debt.given().when(WatchClaim("loan-1", DAY, "CNY", DUE)).then(balance())
    debt.given(balance()).when(WatchClaim("loan-1", DAY, "CNY", DUE)).then_nothing()


def test_its_balance_is_kept_with_what_accrues() -> None:
    command = ReviseClaim("loan-1", DAY, DUE, (PENALTY,))
    changed = balance(accruing=(PENALTY,))
    debt.given(balance()).when(command).then(changed)
    debt.given(balance(), changed).when(command).then_nothing()


def test_loans_that_are_not_overdue_are_not_followed() -> None:
    debt.given().when(ReviseClaim("loan-1", DAY, DUE, ())).then_nothing()
    debt.given().when(ExtinguishClaim("loan-1", DAY)).then_nothing()
    debt.given().when(ReopenClaim("loan-1", DAY)).then_nothing()


def test_a_cured_loan_is_let_go() -> None:
    cured = ClaimExtinguished(loan_id="loan-1", on=DAY, open_claims=1)
    state = debt.given(balance(), balance("loan-2")).when(ExtinguishClaim("loan-1", DAY)).then(cured)
    assert (set(state.claims), state.cured) == ({"loan-2"}, {"loan-1": "CNY"})


def test_a_cure_that_is_undone_brings_the_claim_back() -> None:
    cured = ClaimExtinguished(loan_id="loan-1", on=DAY, open_claims=0)
    state = debt.given(balance(), cured).when(ReopenClaim("loan-1", DAY)).then(balance(due=Components()))
    assert state.cured == {}
    debt.given(balance()).when(ReopenClaim("loan-1", DAY)).then_nothing()


def test_a_case_refers_the_debt_and_releases_it() -> None:
    referred, released = DebtReferred(case_id="case-1"), DebtReleased(case_id="case-1")
    debt.given().when(ReferDebt("case-1")).then(referred)
    debt.given(referred).when(ReferDebt("case-1")).then_nothing()
    assert debt.given(referred).when(ReleaseDebt("case-1")).then(released).case_id == ""
    debt.given(referred).when(ReleaseDebt("case-2")).then_nothing()


def state_of(*events: ClaimBalanceChanged) -> Debt:
    return debt.given(*events).state


def test_the_claim_holds_late_charges_up_to_its_day() -> None:
    claimed = claim_of(state_of(balance(accruing=(PENALTY,))), ["loan-1"], DAY + timedelta(days=30))
    assert claimed is not None
    # 10,000.00 × 15 % × 30 / 360 = 125.00
    assert claimed.claim == Claim(
        principal_minor=1_000_000, interest_minor=20_000, penalty_minor=12_500, cost_minor=500
    )
    assert (claimed.total_minor, claimed.currency, claimed.loan_ids) == (1_033_000, "CNY", ("loan-1",))
    assert claimed.as_of == DAY + timedelta(days=30)


def test_ordinary_interest_is_claimed_only_when_it_has_fallen_due() -> None:
    interest = msgspec.structs.replace(PENALTY, kind="interest")
    claimed = claim_of(state_of(balance(accruing=(interest,))), ["loan-1"], DAY + timedelta(days=30))
    assert claimed is not None
    assert (claimed.claim.interest_minor, claimed.claim.penalty_minor) == (20_000, 0)


def test_a_claim_is_never_older_than_the_balances_it_rests_on() -> None:
    claimed = claim_of(state_of(balance(as_of=DAY + timedelta(days=2))), ["loan-1"], DAY)
    assert claimed is not None
    assert claimed.as_of == DAY + timedelta(days=2)


def test_loans_add_up_and_those_not_asked_for_or_in_another_currency_stay_out() -> None:
    state = state_of(balance(), balance("loan-2"), balance("loan-3"), balance("loan-4", currency="EUR"))
    claimed = claim_of(state, ["loan-4", "loan-2", "loan-1", "loan-1", "gone"], DAY)
    assert claimed is not None
    assert (claimed.loan_ids, claimed.claim.principal_minor) == (("loan-1", "loan-2"), 2_000_000)


def test_nothing_overdue_is_no_claim() -> None:
    assert claim_of(Debt(), ["loan-1"], DAY) is None


def test_the_state_survives_storage() -> None:
    state = debt.given(balance(accruing=(PENALTY,)), balance("loan-2"), DebtReferred(case_id="case-1")).state
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Debt) == state


def test_a_foreign_event_is_a_corrupt_stream() -> None:
    with pytest.raises(CorruptStream):
        DEBT.evolve(Debt(), BusinessDayClosed(business_date=DAY, calendar_id="CN", partition=0))
    with pytest.raises(CorruptStream):
        DEBT.evolve(Debt(), ClaimExtinguished(loan_id="loan-1", on=DAY, open_claims=0))


def test_the_stream_is_named_for_the_debtor() -> None:
    assert debt_of("debtor").key == "debt/debtor"
