"""The compliance gate: hours in zones and across clock changes, caps, missing and stale facts, whom we may ask."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.outreach.domain.facts import MOBILE, TEN, asking, replaced

from arrears.events.scoring import ContactChannel
from outreach.domain.gate import Counted, Facts, KnownPoint, Verdict, judge
from outreach.domain.pack import HOUSE_PACK, Pack


def facts(**changes: object) -> Facts:
    usual = Facts(stopped="", point=MOBILE, counted=(), owed_minor=100_000, balances_as_of=TEN)
    return dataclasses.replace(usual, **changes)  # type: ignore[arg-type]


def at(instant: str, point: KnownPoint = MOBILE, pack: Pack = HOUSE_PACK, channel: str = "voice") -> Verdict:
    moment = datetime.fromisoformat(instant)
    return judge(asking(at=moment, channel=channel), facts(point=point, balances_as_of=moment), pack)


def codes(verdict: Verdict) -> list[str]:
    return [rule.reason_code for rule in verdict.failed]


@pytest.mark.parametrize(
    ("instant", "allowed"),
    [
        ("2026-11-22T23:59:59+00:00", False),  # 07:59:59
        ("2026-11-23T00:00:00+00:00", True),  # 08:00:00, rule base T38
        ("2026-11-23T13:59:59+00:00", True),  # 21:59:59
        ("2026-11-23T14:00:00+00:00", False),  # 22:00:00, rule base T38
    ],
)
def test_china_is_left_alone_from_ten_in_the_evening_to_eight_in_the_morning(instant: str, allowed: bool) -> None:
    assert at(instant).permitted is allowed


def test_a_denial_by_the_hour_says_the_first_second_that_is_allowed() -> None:
    late, early = at("2026-11-23T14:30:00+00:00"), at("2026-11-22T22:00:00+00:00")
    assert codes(late) == ["BLOCK_QUIET_HOURS"]
    assert late.not_before == datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    assert early.not_before == datetime(2026, 11, 23, 0, 0, tzinfo=UTC)


NEW_YORK = replaced(MOBILE, zones=("America/New_York",))


@pytest.mark.parametrize(
    ("instant", "allowed"),
    [
        ("2026-03-08T11:59:59+00:00", False),  # clocks went forward that night, rule base T06
        ("2026-03-08T12:00:00+00:00", True),  # 08:00 EDT; yesterday's offset would say 07:00, T05
        ("2026-11-01T12:59:59+00:00", False),  # clocks went back that night: 07:59:59 EST
        ("2026-11-01T13:00:00+00:00", True),
    ],
)
def test_the_wall_clock_counts_on_the_days_on_which_it_changes(instant: str, allowed: bool) -> None:
    assert at(instant, NEW_YORK).permitted is allowed


def test_a_person_who_may_be_in_two_zones_is_protected_in_both() -> None:
    both = replaced(MOBILE, zones=("America/New_York", "America/Los_Angeles"))
    morning = at("2026-11-23T15:30:00+00:00", both)  # 10:30 and 07:30
    assert list(morning.failed[0].observed) == ["America/Los_Angeles"]
    assert morning.not_before == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    assert at("2026-11-23T16:00:00+00:00", both).permitted
    night = at("2026-11-24T04:00:00+00:00", both)  # 23:00 and 20:00
    assert list(night.failed[0].observed) == ["America/New_York"]


def test_zones_without_a_common_hour_are_never_called() -> None:
    apart = replaced(MOBILE, zones=("Asia/Shanghai", "America/New_York"))
    narrow = dataclasses.replace(HOUSE_PACK, opens=HOUSE_PACK.opens, closes=HOUSE_PACK.opens.replace(hour=18))
    verdict = at("2026-11-23T02:00:00+00:00", apart, narrow)
    assert not verdict.permitted
    assert verdict.not_before is None


def test_a_point_without_zone_evidence_has_the_packs_candidate_zones() -> None:
    nowhere = replaced(MOBILE, zones=())
    assert at("2026-11-23T02:00:00+00:00", nowhere).permitted
    assert codes(at("2026-11-23T15:00:00+00:00", nowhere)) == ["BLOCK_QUIET_HOURS"]
    silent = dataclasses.replace(HOUSE_PACK, candidate_zones=())
    assert codes(at("2026-11-23T02:00:00+00:00", nowhere, silent)) == ["BLOCK_NO_ZONE"]


def test_an_unknown_zone_name_denies_even_beside_a_known_one() -> None:
    point = replaced(MOBILE, zones=("Asia/Shanghai", "Mars/Olympus"))
    assert codes(at("2026-11-23T02:00:00+00:00", point)) == ["BLOCK_NO_ZONE"]


def test_letters_have_no_hours() -> None:
    post = replaced(MOBILE, kind="postal")
    assert at("2026-11-23T18:00:00+00:00", post, channel="letter").permitted


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"stopped": "no_case"}, "BLOCK_CONTACT_AFTER_PAID"),
        ({"stopped": "closed"}, "BLOCK_CONTACT_AFTER_PAID"),
        ({"stopped": "held:dispute"}, "BLOCK_CASE_HELD"),
        ({"owed_minor": 0}, "BLOCK_CONTACT_AFTER_PAID"),
        ({"owed_minor": None}, "BLOCK_MISSING_FACT"),
        ({"point": None}, "BLOCK_MISSING_FACT"),
        ({"balances_as_of": None}, "BLOCK_MISSING_FACT"),
        ({"balances_as_of": TEN - timedelta(seconds=301)}, "BLOCK_STALE_BALANCE"),
        ({"point": replaced(MOBILE, owner="emergency")}, "BLOCK_THIRD_PARTY"),
        ({"point": replaced(MOBILE, wrong=True)}, "BLOCK_WRONG_ADDRESS"),
        ({"point": replaced(MOBILE, kind="email")}, "BLOCK_MISSING_FACT"),
    ],
)
def test_one_bad_fact_denies_with_rule_citation_and_operands(changes: dict[str, object], code: str) -> None:
    verdict = judge(asking(), facts(**changes), HOUSE_PACK)
    assert codes(verdict) == [code]
    assert verdict.failed[0].citation
    assert verdict.failed[0].observed
    assert verdict.not_before is None
    assert verdict.slots == ()


def test_balances_as_old_as_allowed_still_count() -> None:
    assert judge(asking(), facts(balances_as_of=TEN - timedelta(seconds=300)), HOUSE_PACK).permitted


def test_a_service_message_may_remind_of_an_open_promise_and_nothing_else_that_holds() -> None:
    reminder = asking(channel="sms", purpose="service")
    assert judge(reminder, facts(stopped="held:promise"), HOUSE_PACK).permitted
    assert not judge(reminder, facts(stopped="held:legal"), HOUSE_PACK).permitted


def talks(count: int, at: datetime = TEN, point: str = "other") -> tuple[Counted, ...]:
    return tuple(Counted(channel="voice", contact_point_id=point, at=at, conversation=True) for _ in range(count))


def dials(count: int, at: datetime = TEN) -> tuple[Counted, ...]:
    return tuple(Counted(channel="voice", contact_point_id="mobile-1", at=at, conversation=False) for _ in range(count))


def test_a_fourth_conversation_a_day_is_denied_until_the_next_morning() -> None:
    verdict = judge(asking(), facts(counted=talks(3)), HOUSE_PACK)
    assert [rule.rule_id for rule in verdict.failed] == ["CN.FREQ.TALK"]
    assert verdict.failed[0].observed["used"] == "3"
    assert verdict.not_before == datetime(2026, 3, 4, 0, 0, tzinfo=UTC)  # eight o'clock in Shanghai
    assert judge(asking(), facts(counted=talks(2)), HOUSE_PACK).permitted


def test_a_seventh_dial_of_one_number_is_denied_another_number_is_not() -> None:
    counted = dials(6)
    assert [rule.rule_id for rule in judge(asking(), facts(counted=counted), HOUSE_PACK).failed] == ["CN.FREQ.DIAL"]
    other = replaced(MOBILE, contact_point_id="mobile-2")
    assert judge(asking(contact_point_id="mobile-2"), facts(counted=counted, point=other), HOUSE_PACK).permitted


def test_yesterdays_contacts_do_not_count_by_the_local_date() -> None:
    before_midnight = datetime(2026, 3, 2, 15, 59, tzinfo=UTC)
    assert judge(asking(), facts(counted=talks(3, before_midnight)), HOUSE_PACK).permitted
    after_midnight = datetime(2026, 3, 2, 16, 1, tzinfo=UTC)
    assert not judge(asking(), facts(counted=talks(3, after_midnight)), HOUSE_PACK).permitted


def test_all_failing_rules_are_named_the_gravest_first() -> None:
    late = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
    bad = facts(stopped="closed", owed_minor=0, counted=talks(3, late), balances_as_of=late - timedelta(hours=1))
    verdict = judge(asking(at=late), bad, HOUSE_PACK)
    assert [r.rule_id for r in verdict.failed] == ["G.CASE", "G.PAID", "G.STALE", "CN.TIME", "CN.FREQ.TALK"]


def test_a_permit_takes_a_slot_of_each_limit() -> None:
    slots = judge(asking(), facts(), HOUSE_PACK).slots
    assert [(s.rule_id, s.key) for s in slots] == [("CN.FREQ.TALK", "debtor-1"), ("CN.FREQ.DIAL", "mobile-1")]


def test_there_is_no_public_channel() -> None:
    assert not [channel for channel in get_args(ContactChannel) if "public" in channel or "social" in channel]


def test_the_version_names_the_content_of_the_pack() -> None:
    assert HOUSE_PACK.version == Pack().version
    assert HOUSE_PACK.version != dataclasses.replace(HOUSE_PACK, max_dials_a_day=7).version
    assert {rule.rule_id for rule in HOUSE_PACK.rules} >= {"CN.TIME", "CN.FREQ.TALK", "CN.FREQ.DIAL", "CN.TARGET"}


instants = st.integers(0, 30 * 24 * 60).map(lambda m: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=m))
counted_contacts = st.builds(
    Counted,
    channel=st.sampled_from(["voice", "sms"]),
    contact_point_id=st.sampled_from(["mobile-1", "other"]),
    at=instants,
    conversation=st.booleans(),
)
zone_sets = st.sampled_from([
    ("Asia/Shanghai",), ("America/New_York",), ("America/New_York", "America/Los_Angeles"), ("Asia/Kathmandu",), (),
])  # fmt: skip


@settings(deadline=None)
@given(instants, zone_sets, st.lists(counted_contacts, max_size=8), counted_contacts)
def test_a_further_contact_never_turns_a_denial_into_a_permit(
    moment: datetime, zones: tuple[str, ...], counted: list[Counted], further: Counted
) -> None:
    point, asked = replaced(MOBILE, zones=zones), asking(at=moment)
    before = judge(asked, facts(point=point, counted=tuple(counted), balances_as_of=moment), HOUSE_PACK)
    after = judge(asked, facts(point=point, counted=(*counted, further), balances_as_of=moment), HOUSE_PACK)
    assert before.permitted or not after.permitted


@settings(deadline=None)
@given(instants, zone_sets, st.lists(counted_contacts, max_size=8))
def test_not_before_is_the_first_permitted_instant(
    moment: datetime, zones: tuple[str, ...], counted: list[Counted]
) -> None:
    point, past = replaced(MOBILE, zones=zones), tuple(c for c in counted if c.at <= moment)

    def permitted(instant: datetime) -> bool:
        return judge(asking(at=instant), facts(point=point, counted=past, balances_as_of=instant), HOUSE_PACK).permitted

    verdict = judge(asking(at=moment), facts(point=point, counted=past, balances_as_of=moment), HOUSE_PACK)
    if verdict.not_before is not None:
        assert permitted(verdict.not_before)
        assert not permitted(verdict.not_before - timedelta(seconds=1))
    else:
        assert verdict.permitted
