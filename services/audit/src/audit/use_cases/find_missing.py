"""Tell a late event from a missing one.

A head is sent only when every event under it is in the publisher's topic, and a cause was published before its effect
was decided. So when something is missing, note where the topic ends now: once audit has read up to there and it is
still missing, it is gone. No waiting time is guessed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from audit.domain.checkpoint import Kind, Violation
from audit.use_cases.ports import Memory, Offsets, ParkedRecord, Report

Ends = Callable[[Collection[str]], Awaitable[Offsets]]
"""Return where each partition of the services' topics ends now."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """Something that is missing: what it would be, and in whose topic it should stand."""

    service: str
    kind: Kind
    position: int
    topic_of: str
    detail: str


@dataclass(slots=True)
class Suspects:
    """What is missing now, each with the ends of the topic when it was noticed; in memory, because noticing it again
    after a restart only means reading a little further."""

    noticed: dict[Suspect, Offsets] = field(default_factory=dict)

    async def look(
        self, services: Collection[str], memory: Memory, consumed: Offsets, ends: Ends, report: Report
    ) -> None:
        """Report what is gone for good, and what the consumer had to park.

        `consumed` are the offsets up to which records were in the copy before it was checked last: what has been copied
        since is not checked yet, and would look missing.
        """
        parked = await memory.parked()
        for record in parked:
            await report(record.service, _parked_violation(record))
        held = {record.service for record in parked}
        missing = await _missing(services, memory, held)
        self.noticed = {one: known for one, known in self.noticed.items() if one in missing}
        for one in missing & self.noticed.keys():
            if all(consumed.get(place, 0) >= end for place, end in self.noticed[one].items()):
                await report(one.service, Violation(kind=one.kind, position=one.position, detail=one.detail))
        fresh = missing - self.noticed.keys()
        if fresh:
            now = await ends({one.topic_of for one in fresh})
            for one in fresh:
                self.noticed[one] = {place: end for place, end in now.items() if place[0] == f"{one.topic_of}.events"}


async def _missing(services: Collection[str], memory: Memory, held: Collection[str]) -> set[Suspect]:
    found = set()
    for service in services:
        if service in held:
            continue  # the parked record is the reason, and reported as such
        progress = await memory.progress(service)
        if any(signed.head.size > progress.checked for signed in await memory.pending_heads(service)):
            gap = progress.checked + 1
            found.add(Suspect(service, "position_gap", gap, service, f"position {gap} is signed but not in the topic"))
    for each in await memory.open_causes():
        cause = each.cause
        if cause.cause_service not in held:
            text = f"its cause {cause.cause_service}/{cause.cause_position} does not exist"
            found.add(Suspect(each.service, "causation", cause.position, cause.cause_service, text))
    return found


def _parked_violation(record: ParkedRecord) -> Violation:
    service, _, position = record.event_id.partition("/")
    known = int(position) if service == record.service and position.isdecimal() else 0
    topic, part, offset = record.place
    detail = f"{topic}/{part}/{offset}: {record.error}"[:500]
    kind: Kind = "version_gap" if record.truncated else "schema"
    return Violation(kind=kind, position=known, detail=detail)
