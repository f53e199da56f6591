"""Permits, attempts and what counts: no order of commands exceeds a limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.outreach.domain.facts import CASE_ID, LOAN, MOBILE, TEN, reachable, replaced, request

from arrears.events.outreach import (
    ContactAttempted,
    ContactBlocked,
    ContactPermitted,
    ContactReleased,
    ContactsStopped,
    MessageDelivered,
    Slot,
)
from arrears.events.registry import Event
from arrears.refusals import Refusal
from arrears.testing.specification import Specification
from outreach.domain.contact import (
    CONTACT,
    Command,
    ExpirePermits,
    RecordAttempt,
    RecordReceipt,
    ReleasePermit,
    RequestContact,
    SetStop,
)
from outreach.domain.pack import HOUSE_PACK
from outreach.domain.refusals import ContactOutsidePermit, PermitReleased, UnknownAttempt

spec = Specification(CONTACT)


def permitted(attempt_id: str = "a1", at: datetime = TEN, channel: Any = "voice") -> ContactPermitted:
    slots = {
        "voice": (("CN.FREQ.TALK", "debtor-1"), ("CN.FREQ.DIAL", "mobile-1")),
        "sms": (("HOUSE.SMS", "debtor-1"),),
    }[channel]
    return ContactPermitted(
        attempt_id=attempt_id, case_id=CASE_ID, loan_ids=(LOAN,), channel=channel, contact_point_id="mobile-1",
        template_id="", purpose="collection", pack_version=HOUSE_PACK.version,
        slots=tuple(Slot(rule_id=rule, key=key, on=at.date()) for rule, key in slots), permitted_at=at,
        valid_until=at + timedelta(seconds=60), local_time="2026-03-03T10:00:00+08:00 Asia/Shanghai",
        requested_by="user:lin",
    )  # fmt: skip


def called(attempt_id: str = "a1", started_at: datetime = TEN, disposition: Any = "NO_ANSWER") -> RecordAttempt:
    party: Any = "debtor" if disposition.startswith("RPC") else "none"
    return RecordAttempt(attempt_id, started_at, 30, disposition, party, "human", collector_id="lin")


def attempted(attempt_id: str = "a1", disposition: Any = "NO_ANSWER", started_at: datetime = TEN) -> ContactAttempted:
    party: Any = "debtor" if disposition.startswith("RPC") else "none"
    return ContactAttempted(
        attempt_id=attempt_id, case_id=CASE_ID, loan_ids=(LOAN,), channel="voice", direction="outbound",
        contact_point_id="mobile-1", started_at=started_at, duration_seconds=30, disposition=disposition, party=party,
        right_party=party == "debtor", initiated_by="human", collector_id="lin",
    )  # fmt: skip


def test_the_gate_permits_and_takes_the_slots() -> None:
    spec.given(*reachable()).when(request()).then(permitted())


def test_the_gate_blocks_and_names_the_rule() -> None:
    stopped = ContactsStopped(reason="closed")
    outcome = spec.given(*reachable(), stopped).when(request())
    (blocked,) = outcome.events
    assert isinstance(blocked, ContactBlocked)
    assert (blocked.reason_code, blocked.rule_id) == ("BLOCK_CONTACT_AFTER_PAID", "G.CASE")


def test_a_person_without_a_case_is_not_contacted() -> None:
    outcome = spec.given(*reachable()[:-1]).when(request())
    assert [type(event) for event in outcome.events] == [ContactBlocked]


def test_the_same_attempt_asked_twice_counts_once() -> None:
    spec.given(*reachable(), permitted()).when(request()).then_nothing()


def test_a_call_within_its_permit_is_recorded_once() -> None:
    given_permit = spec.given(*reachable(), permitted())
    given_permit.when(called()).then(attempted())
    spec.given(*reachable(), permitted(), attempted()).when(called()).then_nothing()


def test_a_call_that_began_outside_its_permit_is_refused() -> None:
    given_permit = spec.given(*reachable(), permitted())
    given_permit.when(called(started_at=TEN + timedelta(seconds=61))).then_refused(ContactOutsidePermit)
    given_permit.when(called(started_at=TEN - timedelta(seconds=1))).then_refused(ContactOutsidePermit)
    given_permit.when(called("another")).then_refused(UnknownAttempt)


def test_a_permit_dies_after_a_minute_and_still_counts_for_its_call_may_be_running() -> None:
    released = ContactReleased(attempt_id="a1", reason="expired", at=TEN + timedelta(seconds=60))
    given_permit = spec.given(*reachable(), permitted())
    assert CONTACT.wakes_at(given_permit.state) == TEN + timedelta(seconds=60)
    state = given_permit.when(ExpirePermits(TEN + timedelta(seconds=60))).then(released)
    assert CONTACT.wakes_at(state) is None
    spec.given(*reachable(), permitted(), released).when(called()).then(attempted())


def test_a_permit_whose_provider_failed_gives_its_slots_back_and_cannot_be_used() -> None:
    failed = ContactReleased(attempt_id="a1", reason="provider_failed", at=TEN)
    events = (*reachable(), permitted(channel="sms"), failed)
    outcome = spec.given(*events).when(request("a2", channel="sms"))
    assert [type(event) for event in outcome.events] == [ContactPermitted]
    spec.given(*events).when(called()).then_refused(PermitReleased)


def test_a_stop_voids_outstanding_permits_but_the_one_it_came_from() -> None:
    stop = SetStop("held:promise", CASE_ID, TEN + timedelta(seconds=20), sparing="a2")
    spec.given(*reachable(), permitted("a1"), permitted("a2")).when(stop).then(
        ContactsStopped(reason="held:promise"),
        ContactReleased(attempt_id="a1", reason="stopped", at=TEN + timedelta(seconds=20)),
    )
    spec.given(*reachable(), ContactsStopped(reason="held:promise")).when(stop).then_nothing()


def test_a_call_that_began_after_the_stop_is_refused() -> None:
    stop = ContactReleased(attempt_id="a1", reason="stopped", at=TEN + timedelta(seconds=20))
    given_stop = spec.given(*reachable(), permitted(), stop)
    given_stop.when(called(started_at=TEN + timedelta(seconds=10))).then(
        attempted(started_at=TEN + timedelta(seconds=10))
    )
    given_stop.when(called(started_at=TEN + timedelta(seconds=30))).then_refused(ContactOutsidePermit)


def test_a_wrong_number_is_never_dialled_again() -> None:
    wrong = attempted(disposition="WRONG_NUMBER")
    outcome = spec.given(*reachable(), permitted(), wrong).when(request("a2"))
    (blocked,) = outcome.events
    assert isinstance(blocked, ContactBlocked)
    assert blocked.reason_code == "BLOCK_WRONG_ADDRESS"


def test_a_receipt_is_noted_once_and_proves_a_sending_whose_report_was_lost() -> None:
    receipt = RecordReceipt("a1", "carrier", TEN + timedelta(minutes=2), "SM1")
    delivered = MessageDelivered(
        attempt_id="a1", receipt="carrier", at=TEN + timedelta(minutes=2), evidence_ref="SM1", demand=True
    )
    outcome = spec.given(*reachable(), permitted(channel="sms")).when(receipt)
    sent, last = outcome.events
    assert isinstance(sent, ContactAttempted)
    assert (sent.disposition, sent.provider_ref, last) == ("MSG_SENT", "SM1", delivered)
    spec.given(*reachable(), permitted(channel="sms"), *outcome.events).when(receipt).then_nothing()


SECOND = replaced(MOBILE, contact_point_id="mobile-2")

moments = st.integers(0, 3 * 24 * 60).map(
    lambda minutes: datetime(2026, 3, 2, 22, tzinfo=UTC) + timedelta(minutes=minutes)
)
attempt_ids = st.integers(0, 30).map(lambda n: f"a{n}")
asked = st.builds(
    lambda attempt_id, channel, point, at: request(attempt_id, channel=channel, contact_point_id=point, at=at),
    attempt_ids, st.sampled_from(["voice", "voice", "sms"]), st.sampled_from(["mobile-1", "mobile-2"]), moments,
)  # fmt: skip
recorded = st.builds(
    lambda attempt_id, at, disposition: called(attempt_id, at, disposition),
    attempt_ids, moments, st.sampled_from(["NO_ANSWER", "BUSY", "RPC_REFUSES", "RPC_PTP"]),
)  # fmt: skip
others = st.one_of(
    st.builds(ReleasePermit, attempt_ids, st.sampled_from(["expired", "provider_failed", "stopped"]), moments),
    st.builds(ExpirePermits, moments),
    st.builds(RecordReceipt, attempt_ids, st.sampled_from(["carrier", "bounced"]), moments, st.just("SM1")),
    st.builds(SetStop, st.sampled_from(["", "held:promise", "closed"]), st.just(CASE_ID), moments),
)


def history(commands: list[Command]) -> list[Event]:
    """Run the commands as they come; half of the outcomes are told for the instant of their permit."""
    state, events = CONTACT.initial, list[Event]()
    for known_fact in reachable(MOBILE, SECOND):
        state = CONTACT.evolve(state, known_fact)
    for number, command in enumerate(commands):
        if isinstance(command, RecordAttempt) and number % 2 and (known := state.attempt(command.attempt_id)):
            command = called(command.attempt_id, known.permitted_at, command.disposition)
        try:
            decided = CONTACT.decide(command, state)
        except Refusal:
            continue
        for event in decided:
            state = CONTACT.evolve(state, event)
        events.extend(decided)
    return events


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(asked, asked, recorded, recorded, others), max_size=60))
def test_no_order_of_commands_exceeds_a_limit_or_contacts_without_a_permit(commands: list[Command]) -> None:
    permits: dict[str, ContactPermitted] = {}
    used: dict[tuple[str, str, object], int] = {}
    for event in history(commands):
        if isinstance(event, ContactPermitted):
            assert event.attempt_id not in permits
            permits[event.attempt_id] = event
        if isinstance(event, ContactAttempted):
            permit = permits[event.attempt_id]
            assert permit.permitted_at <= event.started_at <= permit.valid_until
            talked = event.disposition.startswith("RPC")
            for slot in permit.slots:
                if slot.rule_id != "CN.FREQ.TALK" or talked:
                    key = (slot.rule_id, slot.key, slot.on)
                    used[key] = used.get(key, 0) + 1
    limits = {"CN.FREQ.TALK": 3, "CN.FREQ.DIAL": 6, "HOUSE.SMS": 1}
    assert all(count <= limits[rule] for (rule, _, _), count in used.items()), used


def test_the_limits_are_reached_in_a_plain_day() -> None:
    hours = [TEN + timedelta(minutes=5 * n) for n in range(9)]
    calls: list[Command] = [
        step
        for n, at in enumerate(hours)
        for step in (request(f"a{n}", at=at), called(f"a{n}", at, "RPC_REFUSES" if n < 5 else "NO_ANSWER"))
    ]
    kinds = [type(event).__name__ for event in history(calls)]
    assert kinds.count("ContactAttempted") == 3
    assert kinds.count("ContactBlocked") == 6
    assert isinstance(request(), RequestContact)
