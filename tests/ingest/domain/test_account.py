"""What happens on one day, where the order of what was recorded decides."""

from __future__ import annotations

from datetime import date, timedelta

from tests.ingest.domain.accounts import FIRST, at, repaid, schedule, taken_back, terms

from ingest.domain.account.facts import FeeCharged, Instalment, Restructured

DAY = date(2025, 2, 1)
LATER = (Instalment(10, date(2025, 6, 1), 18_000, 0, 0),)


def restructured(*instalments: Instalment) -> Restructured:
    return Restructured(recorded_on=DAY, effective_on=DAY, kind="extension", instalments=instalments or LATER)


def test_a_down_payment_that_bounces_after_the_restructure_leaves_its_old_line_open() -> None:
    """Given money that paid the old schedule before a restructure of the same day,
    when it is taken back, recorded after the restructure,
    then what it had paid is owed again on the old line: the new schedule was drawn up without it."""
    paid = repaid("P", 10_180, DAY)
    told = at(DAY + timedelta(days=1), schedule(), paid, restructured(), taken_back("P", DAY))
    assert (told.overdue["principal"], told.overdue["interest"]) == (10_000, 180)
    assert told.outstanding_principal == 28_000
    assert [(one.reversed, one.parts) for one in told.allocations] == [(True, ())]


def test_a_down_payment_that_bounces_before_the_restructure_was_never_made() -> None:
    told = at(DAY + timedelta(days=1), schedule(), repaid("P", 10_180, DAY), taken_back("P", DAY), restructured())
    assert (told.overdue["total"], told.outstanding_principal) == (0, 18_000)


def test_a_restructure_closes_the_fees_that_were_not_yet_payable_and_keeps_the_others() -> None:
    """Given a scheduled fee due on the day of the restructure, one due later, and one charged before,
    when the loan is restructured, then only the one due later is closed."""
    first, second = Instalment(1, DAY, 10_000, 0, 50), Instalment(2, date(2025, 3, 1), 20_000, 0, 70)
    charged = FeeCharged(recorded_on=FIRST, on=date(2025, 1, 20), amount=9, kind="notice")
    told = at(date(2025, 4, 1), schedule(first, second), charged, restructured())
    assert told.overdue["fee"] == 59
    assert told.overdue["principal"] == 0


def test_money_recorded_after_a_restructure_does_not_reach_behind_it() -> None:
    """Its value date is before, but the new schedule was drawn up without it: it pays the new one."""
    early = repaid("P", 18_000, date(2025, 1, 10), recorded_on=DAY)
    told = at(date(2025, 6, 1), schedule(), restructured(), early)
    assert [(p.no, p.amount) for p in told.allocations[0].parts] == [(10, 18_000)]


def test_what_a_cap_cuts_of_a_fee_is_never_charged_later() -> None:
    capped = terms(cap_rate="0.10")
    fee = FeeCharged(recorded_on=FIRST, on=date(2025, 1, 11), amount=500, kind="notice")
    cut, later = (at(on, schedule(), fee, of=capped) for on in (date(2025, 1, 12), date(2025, 1, 31)))
    # room on 11 January: 30,000 x 0.10 x 10/360 = 83.33, less 180 x 10/31 = 58.06 of running interest
    assert (cut.overdue["fee"], later.overdue["fee"], cut.cap_hit) == (25, 25, True)
