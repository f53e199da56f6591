"""What a service listens to: topics, how their records are read, and whether they carry versions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from arrears.database import Connection
from arrears.decider import StreamRef
from arrears.events.registry import Event
from arrears.eventstore.work import Work
from arrears.kafka.cloudevents import RawRecord, from_own_log
from arrears.recorded import Recorded

Decode = Callable[[RawRecord], tuple[Recorded, ...]]
Prepare = Callable[[Connection, Sequence[Recorded]], Awaitable[None]]
Handler = Callable[[Recorded, Work], Awaitable[None]]
Touches = Callable[[Recorded], Iterable[StreamRef[Any, Any]]]


@dataclass(frozen=True, slots=True)
class Source:
    """A topic and how to read it.

    `decode` raises InvalidEvent or UnknownEvent for a record that must be parked. A `versioned` source is one of our own
    logs: duplicates and gaps show by stream version; others are deduplicated by event id. `prepare` runs inside the
    transaction before the handlers, for what they need and may not fetch themselves. `debtor_of` names the debtor behind
    a record's key, so that a parked key holds back that debtor's day. `publisher` is whose log the topic carries, where
    its name does not say so.
    """

    topic: str
    decode: Decode
    versioned: bool
    prepare: Prepare | None = None
    debtor_of: Callable[[str], str] | None = None
    publisher: str = ""

    @property
    def follows(self) -> str:
        """What a projection names in its own `follows` to have this source's events."""
        return self.publisher or self.topic.removesuffix(".events")


@dataclass(frozen=True, slots=True)
class Subscription:
    """An event type and the use case it starts; `touches` names the streams to load for the whole batch at once.

    Handlers are deterministic: no I/O and no clock but `work.now`. What they raise parks the record and its key.
    """

    event: type[Event]
    handle: Handler
    touches: Touches | None = None


def own_topic(service: str) -> Source:
    """Return the source of a service's published log."""
    return Source(
        f"{service}.events", lambda record: (from_own_log(record),), versioned=True, debtor_of=lambda key: key
    )
