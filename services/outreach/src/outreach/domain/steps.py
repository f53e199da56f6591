"""Planning the next steps of a treatment. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from arrears.events.outreach import ContactBlocked, StepPlanned
from arrears.events.scoring import ContactChannel
from outreach.domain.case_state import ONE_DAY, OpenCase, Step
from outreach.domain.gate import REACHED_BY, KnownPoint
from outreach.domain.pack import HOUSE_PACK, Pack
from outreach.domain.windows import at_local, local_day, usable_zones

AUTOMATIC: Final[frozenset[ContactChannel]] = frozenset({"sms"})
"""Channels that we work ourselves; a step of any other is work for a collector."""

MORNING: Final = time(10)
_MOST_TRIES: Final = 12
_STALE_RETRY: Final = timedelta(minutes=2)
_PASSING: Final = frozenset({"G.STALE"})


def plan_next(case: OpenCase, closed_on: date, points: tuple[KnownPoint, ...]) -> tuple[StepPlanned, ...]:
    """Return the plan of the steps that fall due by the day after `closed_on`, together those of one due date.

    Late steps follow one due date a day, so that a backlog never becomes a burst. Nothing is planned while a step waits.
    """
    todo = case.treatment.todo if case.treatment else ()
    tomorrow = closed_on + ONE_DAY
    if not todo or any(step.pending for step in todo) or todo[0].due_on > tomorrow:
        return ()
    on = max(todo[0].due_on, tomorrow)
    return tuple(_planned(case, step, on, points) for step in todo if step.due_on == todo[0].due_on)


def _planned(case: OpenCase, step: Step, on: date, points: tuple[KnownPoint, ...]) -> StepPlanned:
    assert case.treatment is not None
    point = choose_point(step.channel, points)
    return StepPlanned(
        case_id=case.case_id, treatment_id=case.treatment.treatment_id, step_no=step.no, channel=step.channel,
        template_id=step.template_id, contact_point_id=point.contact_point_id if point else "", on=on,
        try_at=_morning(on, point) if step.channel in AUTOMATIC else None, loan_ids=case.loan_ids,
    )  # fmt: skip


def choose_point(channel: ContactChannel, points: tuple[KnownPoint, ...]) -> KnownPoint | None:
    """Return the person's own first contact point for the channel that is not known to be wrong."""
    fitting = (p for p in points if p.kind in REACHED_BY[channel] and p.owner == "debtor" and not p.wrong)
    return next(fitting, None)


def _morning(on: date, point: KnownPoint | None) -> datetime:
    """Return ten o'clock of the day in the latest of the point's zones (the gate judges all of them)."""
    zones = usable_zones((point.zones if point else ()) or (HOUSE_PACK.home_zone,))
    return max(at_local(on, MORNING, zone) for zone in zones or usable_zones((HOUSE_PACK.home_zone,)))


def retry_at(blocked: ContactBlocked, tries: int, pack: Pack) -> datetime | None:
    """Return when to ask the gate again for a blocked step: the same day, if time alone can change the answer."""
    if tries >= _MOST_TRIES:
        return None
    passing = {rule.rule_id for rule in blocked.failed} <= _PASSING
    again = blocked.decided_at + _STALE_RETRY if passing else blocked.next_allowed_at
    (home,) = usable_zones((pack.home_zone,))
    if again is None or local_day(again, home) != local_day(blocked.decided_at, home):
        return None
    return again
