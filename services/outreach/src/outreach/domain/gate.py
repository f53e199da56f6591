"""The compliance gate: may this contact be made now? Pure; the only place that answers it.

Deny-overrides: every rule is asked, one failing rule denies, and the verdict names all that fail. A rule whose fact is
missing denies. The caller supplies the instant and all facts, so the same inputs under the same pack give the same
verdict at any later time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from arrears.events.outreach import FailedRule, Slot
from arrears.events.scoring import ContactChannel
from outreach.domain.pack import Pack
from outreach.domain.windows import local_day, next_day, next_open, usable_zones, within

PointKind = Literal["mobile", "landline", "email", "postal", "wechat", "push"]
Purpose = Literal["collection", "service"]

REACHED_BY: Final[dict[ContactChannel, frozenset[PointKind]]] = {
    "voice": frozenset({"mobile", "landline"}),
    "sms": frozenset({"mobile"}),
    "email": frozenset({"email"}),
    "letter": frozenset({"postal"}),
    "visit": frozenset({"postal"}),
    "wechat": frozenset({"wechat"}),
    "push": frozenset({"push"}),
}


class KnownPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A contact point as the gate needs it; `wrong` once somebody else answered there."""

    contact_point_id: str
    kind: PointKind
    owner: Literal["debtor", "guarantor", "emergency"]
    zones: tuple[str, ...] = ()
    value_sealed: str = ""
    sealed_in: str = ""
    wrong: bool = False


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A contact that takes up room in the limits: permitted, made, or perhaps made.

    `conversation` holds until the outcome says otherwise, so a call still running counts as one.
    """

    channel: ContactChannel
    contact_point_id: str
    at: datetime
    conversation: bool


@dataclass(frozen=True, slots=True)
class ContactRequest:
    """One contact that somebody wants to make at `at` (UTC)."""

    attempt_id: str
    debtor_id: str
    channel: ContactChannel
    contact_point_id: str
    at: datetime
    purpose: Purpose = "collection"
    template_id: str = ""
    requested_by: str = ""
    step_no: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at that moment.

    `stopped` is empty when contacts are allowed, else `no_case`, `closed` or `held:<reason>`. `owed_minor` is what the
    case's loans owe in all, None if unknown; `balances_as_of` says up to when the feed of balances is complete.
    """

    stopped: str
    point: KnownPoint | None
    counted: tuple[Counted, ...]
    owed_minor: int | None
    balances_as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. `not_before` is the first instant at which time alone will have cured the denial, if it can."""

    failed: tuple[FailedRule, ...]
    not_before: datetime | None
    slots: tuple[Slot, ...]
    local_time: str
    pack_version: str

    @property
    def permitted(self) -> bool:
        return not self.failed


Observed = dict[str, str]


def judge(request: ContactRequest, facts: Facts, pack: Pack) -> Verdict:
    """Return the verdict on `request` under `pack`, with every failing rule, in the pack's order."""
    found = {rule_id: observed for rule_id, observed in _failures(request, facts, pack) if observed is not None}
    failed = tuple(
        FailedRule(rule_id=r.rule_id, reason_code=r.reason_code, citation=r.citation, observed=found[r.rule_id])
        for r in pack.rules
        if r.rule_id in found
    )
    zones = _zones(facts, pack)
    shown = f"{request.at.astimezone(zones[0]).isoformat()} {zones[0].key}" if zones else ""
    slots = () if failed else _slots(request, local_day(request.at, zones[0]))
    return Verdict(failed, _not_before(request, set(found), zones, pack), slots, shown, pack.version)


def _failures(request: ContactRequest, facts: Facts, pack: Pack) -> Iterator[tuple[str, Observed | None]]:
    service, point = request.purpose == "service", facts.point
    held = facts.stopped.startswith("held:") and not (service and facts.stopped == "held:promise")
    yield "G.CASE", {"case": facts.stopped} if facts.stopped and not facts.stopped.startswith("held:") else None
    yield "G.HOLD", {"hold": facts.stopped.removeprefix("held:")} if held else None
    paid = facts.owed_minor is not None and facts.owed_minor <= 0
    yield "G.PAID", {"owed_minor": str(facts.owed_minor)} if paid else None
    yield "G.FACTS", _missing(request, facts)
    yield "G.STALE", _stale(request.at, facts.balances_as_of, pack)
    yield "G.JURIS", {"zones": ",".join(_named(facts, pack))} if point and not _zones(facts, pack) else None
    yield "G.WRONG", {"contact_point": request.contact_point_id} if point and point.wrong else None
    yield "CN.TARGET", {"owner": point.owner} if point and point.owner == "emergency" else None
    yield "CN.TIME", _quiet(request, facts, pack)
    for rule_id, limit, counts in _limits(request, pack):
        yield rule_id, _over(request.at, facts, pack, limit, counts)


def _missing(request: ContactRequest, facts: Facts) -> Observed | None:
    if facts.point is None:
        return {"missing": "contact point"}
    if facts.point.kind not in REACHED_BY[request.channel]:
        return {"missing": f"a contact point for {request.channel}", "kind": facts.point.kind}
    if facts.owed_minor is None:
        return {"missing": "balance"}
    return {"missing": "freshness of balances"} if facts.balances_as_of is None else None


def _stale(at: datetime, as_of: datetime | None, pack: Pack) -> Observed | None:
    if as_of is None or at - as_of <= pack.max_staleness:
        return None
    return {"balances_as_of": as_of.isoformat(), "age_seconds": str(int((at - as_of).total_seconds()))}


def _named(facts: Facts, pack: Pack) -> tuple[str, ...]:
    return (facts.point.zones if facts.point else ()) or pack.candidate_zones


def _zones(facts: Facts, pack: Pack) -> tuple[ZoneInfo, ...]:
    """Every zone in which the person may be; none if one of their names is unknown, for that one could deny."""
    return usable_zones(_named(facts, pack))


def _quiet(request: ContactRequest, facts: Facts, pack: Pack) -> Observed | None:
    if request.channel == "letter":  # a letter wakes nobody
        return None
    zones = _zones(facts, pack)
    outside = [z for z in zones if not within(request.at, z, pack.opens, pack.closes)]
    return {z.key: request.at.astimezone(z).isoformat() for z in outside} or None


Counts = Callable[[Counted], bool]


def _limits(request: ContactRequest, pack: Pack) -> Iterator[tuple[str, int, Counts]]:
    point = request.contact_point_id
    if request.channel == "voice":
        yield "CN.FREQ.TALK", pack.max_conversations_a_day, lambda c: c.channel == "voice" and c.conversation
        yield "CN.FREQ.DIAL", pack.max_dials_a_day, lambda c: c.channel == "voice" and c.contact_point_id == point
    if request.channel == "sms":
        yield "HOUSE.SMS", pack.max_messages_a_day, lambda c: c.channel == "sms"


def _over(at: datetime, facts: Facts, pack: Pack, limit: int, counts: Counts) -> Observed | None:
    for zone in _zones(facts, pack):
        today = local_day(at, zone)
        used = sum(1 for c in facts.counted if counts(c) and local_day(c.at, zone) == today)
        if used >= limit:
            return {"used": str(used), "limit": str(limit), "day": today.isoformat(), "zone": zone.key}
    return None


def _slots(request: ContactRequest, on: date) -> tuple[Slot, ...]:
    match request.channel:
        case "voice":
            return (
                Slot(rule_id="CN.FREQ.TALK", key=request.debtor_id, on=on),
                Slot(rule_id="CN.FREQ.DIAL", key=request.contact_point_id, on=on),
            )
        case "sms":
            return (Slot(rule_id="HOUSE.SMS", key=request.debtor_id, on=on),)
        case _:
            return ()


_CURED_BY_TIME: Final = frozenset({"CN.TIME", "CN.FREQ.TALK", "CN.FREQ.DIAL", "HOUSE.SMS"})


def _not_before(request: ContactRequest, failed: set[str], zones: tuple[ZoneInfo, ...], pack: Pack) -> datetime | None:
    if not failed or failed - _CURED_BY_TIME:
        return None
    start = next_day(request.at, zones) if failed - {"CN.TIME"} else request.at
    return start if request.channel == "letter" else next_open(start, zones, pack.opens, pack.closes)
