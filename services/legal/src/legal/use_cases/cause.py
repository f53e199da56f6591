"""Who stands behind a decision: legal itself because of an event or a closed day, or a person."""

from __future__ import annotations

from typing import Final

from arrears.eventstore.work import Cause
from arrears.recorded import Actor, Recorded

_LEGAL: Final = Actor(kind="system", id="legal")


def because_of(event: Recorded) -> Cause:
    """Return the cause of a decision that `event` led to."""
    return Cause.of(event, _LEGAL)


def because_of_the_day() -> Cause:
    """Return the cause of a decision that the close of a business day led to."""
    return Cause(_LEGAL)


def because_of_person(subject: str, tenant: str) -> Cause:
    """Return the cause of a decision that a person took."""
    return Cause(Actor(kind="user", id=subject), tenant)
