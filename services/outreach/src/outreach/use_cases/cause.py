"""Who stands behind a decision: outreach itself because of an event, a day or an instant, or a person."""

from __future__ import annotations

from typing import Final

from arrears.eventstore.work import Cause
from arrears.recorded import Actor, Recorded

SYSTEM: Final = Actor(kind="system", id="outreach")


def because_of(event: Recorded) -> Cause:
    """Return the cause of a decision that `event` led to."""
    return Cause.of(event, SYSTEM)


def because_of_time() -> Cause:
    """Return the cause of a decision that a closed day or an instant led to."""
    return Cause(SYSTEM)


def because_of_person(subject: str, tenant: str) -> Cause:
    """Return the cause of a decision that a person took."""
    return Cause(Actor(kind="user", id=subject), tenant)
