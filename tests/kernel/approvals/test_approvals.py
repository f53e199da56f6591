"""Four eyes: who may decide, how often a person counts, and when it is too late."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears import approvals
from arrears.approvals import (
    AlreadyGranted,
    Approval,
    ApprovalEnded,
    ApprovalNotFound,
    ApprovalPending,
    RoleNotEligible,
    SelfApproval,
)
from arrears.events.approvals import ApprovalExpired, ApprovalGranted, ApprovalRefused, ApprovalRequested
from arrears.events.registry import Event
from arrears.eventstore.errors import CorruptStream
from arrears.refusals import InvalidCommand, Refusal

LAST_DAY = date(2026, 3, 14)
DAY = date(2026, 3, 2)


def asked(needed: int = 2, approval_id: str = "a-1", roles: tuple[str, ...] = ("legal", "lead")) -> ApprovalRequested:
    return approvals.request(
        None, approval_id=approval_id, subject="legal_escalation", subject_id="case-1", requested_by="scoring",
        roles=roles, needed=needed, reason="expected net 4,200.00 CNY", valid_until=LAST_DAY,
    )[0]  # fmt: skip


def after(*events: Event) -> Approval | None:
    approval: Approval | None = None
    for event in events:
        approval = approvals.evolve(approval, event)
    return approval


def granted(by: str, complete: bool = False) -> ApprovalGranted:
    return ApprovalGranted(approval_id="a-1", granted_by=by, role="legal", complete=complete)


def test_the_second_person_completes_it() -> None:
    approval = after(asked())
    first = approvals.grant(approval, by="lin", roles={"legal"}, on=DAY)
    assert first == (ApprovalGranted(approval_id="a-1", granted_by="lin", role="legal", complete=False),)
    approval = approvals.evolve(approval, first[0])
    second = approvals.grant(approval, by="wang", roles={"collector", "lead"}, on=DAY)
    assert second == (ApprovalGranted(approval_id="a-1", granted_by="wang", role="lead", complete=True),)
    assert approvals.evolve(approval, second[0]).status == "granted"


def test_who_asked_may_not_grant() -> None:
    with pytest.raises(SelfApproval):
        approvals.grant(after(asked()), by="scoring", roles={"legal"}, on=DAY)


def test_who_asked_may_take_it_back() -> None:
    (event,) = approvals.refuse(after(asked()), by="scoring", roles={"legal"}, reason="error", on=DAY)
    assert event.refused_by == "scoring"


def test_one_person_counts_once() -> None:
    with pytest.raises(AlreadyGranted):
        approvals.grant(after(asked(), granted("lin")), by="lin", roles={"lead"}, on=DAY)


@pytest.mark.parametrize("roles", [set(), {"collector"}, {"Legal"}])
def test_the_role_must_be_among_those_named(roles: set[str]) -> None:
    with pytest.raises(RoleNotEligible):
        approvals.grant(after(asked()), by="lin", roles=roles, on=DAY)
    with pytest.raises(RoleNotEligible):
        approvals.refuse(after(asked()), by="lin", roles=roles, reason="no", on=DAY)


ENDS = [
    (granted("lin"), granted("wang", complete=True)),
    (ApprovalRefused(approval_id="a-1", refused_by="lin", role="legal", reason="no"),),
    (ApprovalExpired(approval_id="a-1", on=LAST_DAY, reason="too_late"),),
]


@pytest.mark.parametrize("end", ENDS, ids=["granted", "refused", "expired"])
def test_nothing_follows_the_end(end: tuple[Event, ...]) -> None:
    approval = after(asked(), *end)
    with pytest.raises(ApprovalEnded):
        approvals.grant(approval, by="zhao", roles={"legal"}, on=DAY)
    with pytest.raises(ApprovalEnded):
        approvals.refuse(approval, by="zhao", roles={"legal"}, reason="no", on=DAY)
    assert approvals.expire(approval, on=LAST_DAY, reason="too_late") == ()
    assert approvals.expire(approval, on=LAST_DAY, reason="subject_gone") == ()
    assert approvals.wakes_on(approval) is None


def test_the_last_day_counts_and_the_day_after_is_too_late() -> None:
    approval = after(asked())
    assert approvals.grant(approval, by="lin", roles={"legal"}, on=LAST_DAY)
    with pytest.raises(ApprovalEnded, match="2026-03-14"):
        approvals.grant(approval, by="lin", roles={"legal"}, on=LAST_DAY + timedelta(days=1))


def test_it_expires_at_the_close_of_its_last_day_and_not_before() -> None:
    approval = after(asked())
    assert approvals.wakes_on(approval) == LAST_DAY
    assert approvals.expire(approval, on=LAST_DAY - timedelta(days=1), reason="too_late") == ()
    (event,) = approvals.expire(approval, on=LAST_DAY, reason="too_late")
    assert event == ApprovalExpired(approval_id="a-1", on=LAST_DAY, reason="too_late")


def test_it_ends_at_once_when_its_subject_falls_away() -> None:
    (event,) = approvals.expire(after(asked()), on=DAY, reason="subject_gone")
    assert event.reason == "subject_gone"


def test_nobody_can_decide_what_was_not_asked() -> None:
    with pytest.raises(ApprovalNotFound):
        approvals.grant(None, by="lin", roles={"legal"}, on=DAY)
    assert approvals.expire(None, on=DAY, reason="subject_gone") == ()


def again(current: Approval | None, approval_id: str, **changed: Any) -> tuple[ApprovalRequested, ...]:
    values: dict[str, Any] = {"roles": ("legal",), "needed": 2} | changed
    return approvals.request(
        current, approval_id=approval_id, subject="legal_escalation", subject_id="case-1", requested_by="scoring",
        reason="", valid_until=LAST_DAY, **values,
    )  # fmt: skip


def test_asking_twice_with_the_same_id_changes_nothing() -> None:
    assert again(after(asked()), "a-1") == ()


def test_a_second_request_waits_for_the_first_to_end() -> None:
    with pytest.raises(ApprovalPending):
        again(after(asked()), "a-2")
    assert again(after(asked(), *ENDS[1]), "a-2")[0].approval_id == "a-2"


@pytest.mark.parametrize("changed", [{"roles": ()}, {"needed": 0}])
def test_a_request_that_nobody_can_grant_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidCommand):
        again(None, "a-1", **changed)


@pytest.mark.parametrize("event", [granted("lin"), *ENDS[1], *ENDS[2]])
def test_a_decision_without_a_request_is_a_corrupt_stream(event: Event) -> None:
    with pytest.raises(CorruptStream):
        approvals.evolve(None, event)
    with pytest.raises(CorruptStream):
        approvals.evolve(after(asked(approval_id="another")), event)


def test_the_value_survives_storage() -> None:
    approval = after(asked(), granted("lin"))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(approval), type=Approval) == approval


people = st.sampled_from(["scoring", "lin", "wang", "zhao", "sun"])
roles = st.sets(st.sampled_from(["legal", "lead", "collector"]))
act = st.tuples(st.sampled_from(["grant", "refuse", "expire"]), people, roles, st.integers(-2, 20))


@given(needed=st.integers(1, 4), acts=st.lists(act, max_size=25))
def test_it_is_never_complete_with_fewer_than_the_needed_people(
    needed: int, acts: list[tuple[str, str, set[str], int]]
) -> None:
    approval = after(asked(needed=needed))
    assert approval is not None
    eligible: set[str] = set()
    ended = False
    for kind, by, person_roles, day in acts:
        on = DAY + timedelta(days=day)
        try:
            events: tuple[Event, ...]
            if kind == "grant":
                events = approvals.grant(approval, by=by, roles=person_roles, on=on)
            elif kind == "refuse":
                events = approvals.refuse(approval, by=by, roles=person_roles, reason="no", on=on)
            else:
                events = approvals.expire(approval, on=on, reason="too_late")
        except Refusal:
            continue
        assert not (ended and events), "nothing may follow the end"
        for event in events:
            approval = approvals.evolve(approval, event)
        if kind == "grant" and person_roles & {"legal", "lead"} and by != "scoring" and on <= LAST_DAY:
            eligible.add(by)
        ended = approval.status != "open"
        assert len(set(approval.granted_by)) == len(approval.granted_by)
        assert set(approval.granted_by) <= eligible
        assert (approval.status == "granted") == (len(eligible) >= needed and len(approval.granted_by) >= needed)
