"""Who stands behind what scoring decides: the service itself, because of the event that it heard."""

from __future__ import annotations

from typing import Final

from arrears.eventstore.work import Cause
from arrears.recorded import Actor, Recorded

_SCORING: Final = Actor(kind="system", id="scoring")


def because_of(event: Recorded) -> Cause:
    """Return the cause of a decision that `event` led to."""
    return Cause.of(event, _SCORING)
