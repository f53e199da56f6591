"""A unit of work in memory: streams loaded, decisions made, events waiting to be appended together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec

from arrears.decider import Decider, StreamRef
from arrears.events.registry import Event, decode, encode, type_of
from arrears.eventstore.errors import CorruptStream
from arrears.recorded import Actor, Meta, Recorded, encode_meta
from arrears.telemetry import inject
from arrears.values.identity import partition_of

C = TypeVar("C")
S = TypeVar("S")

_state_encoder = msgspec.msgpack.Encoder()
_state_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


@dataclass(slots=True)
class Stream:
    """One stream as this unit of work knows it."""

    ref: StreamRef[Any, Any]
    stored_version: int
    version: int
    state: Any


class Pending(msgspec.Struct, frozen=True):
    """An event decided and not yet appended; `position` is its place after the base position, from 1."""

    stream_key: str
    version: int
    event: Event
    type_name: str
    schema_version: int
    occurred_at: datetime
    data: bytes
    meta: bytes


class Cause(msgspec.Struct, frozen=True):
    """Who and what led to a decision; written into the meta of its events."""

    actor: Actor
    tenant: str = "default"
    causation: str = ""
    correlation: str = ""
    traceparent: str = ""

    @staticmethod
    def of(event: Recorded, actor: Actor) -> Cause:
        """Return the cause of a decision that `event` led to."""
        meta = event.meta
        return Cause(actor, meta.tenant, event.event_id, meta.correlation or event.event_id, meta.traceparent)


LoadRows = Callable[[list[str]], Any]


@dataclass(slots=True)
class Work:
    """What one transaction will append.

    Handlers read states and execute commands here; nothing touches the database until `append`. `mark` and `undo` drop
    what one record did when its handler refuses, without losing the others of the batch.
    """

    service: str
    partitions: int
    now: datetime
    fetch: LoadRows
    feeds: dict[tuple[str, int], datetime] = field(
        default_factory=dict
    )  # how fresh a publisher's facts are, by partition
    streams: dict[str, Stream] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)
    _undo: dict[str, tuple[int, Any] | None] = field(default_factory=dict)
    _mark: int = 0
    _trace: str | None = None

    async def load(self, refs: Iterable[StreamRef[Any, Any]]) -> None:
        """Bring the streams into memory that are not there yet, in one query."""
        missing = {ref.key: ref for ref in refs if ref.key not in self.streams}
        if not missing:
            return
        found = await self.fetch(list(missing))
        for key, ref in missing.items():
            row = found.get(key)
            if row is None:
                stream = Stream(ref, 0, 0, ref.decider.initial)
            else:
                version, state_version, body, events = row
                stream = Stream(ref, version, version, _restore(self.service, ref, state_version, body, events))
            self.streams[key] = stream

    async def state(self, ref: StreamRef[C, S]) -> S:
        """Return the state of a stream after all that this unit of work has decided."""
        state: S = (await self._stream(ref)).state
        return state

    async def _stream(self, ref: StreamRef[Any, Any]) -> Stream:
        stream = self.streams.get(ref.key)
        if stream is None:
            await self.load((ref,))
            stream = self.streams[ref.key]
        return stream

    async def execute(
        self, ref: StreamRef[C, S], command: C, cause: Cause, *, effective_on: date | None = None
    ) -> tuple[Event, ...]:
        """Decide `command` in the stream and keep the events for the append.

        Raises:
            Refusal: the command is not allowed in this state; nothing is kept.
        """
        stream = await self._stream(ref)
        events = ref.decider.decide(command, stream.state)
        if not events:
            return events
        key = ref.key
        self._undo.setdefault(key, (stream.version, stream.state))
        meta = encode_meta(
            Meta(
                actor=cause.actor, tenant=cause.tenant, causation=cause.causation, correlation=cause.correlation,
                effective_on=effective_on, traceparent=cause.traceparent or self._current_trace(),
            )
        )  # fmt: skip
        evolve, state, version = ref.decider.evolve, stream.state, stream.version
        for event in events:
            version += 1
            state = evolve(state, event)
            kind = type_of(type(event))
            self.pending.append(Pending(key, version, event, kind.name, kind.version, self.now, encode(event), meta))
        stream.state, stream.version = state, version
        return events

    def _current_trace(self) -> str:
        """The span that this unit of work began to decide in."""
        if self._trace is None:
            self._trace = inject()
        return self._trace

    def mark(self) -> None:
        """Remember this point: `undo` returns to it."""
        self._undo.clear()
        self._mark = len(self.pending)

    def undo(self) -> None:
        """Drop everything decided since `mark`."""
        for key, before in self._undo.items():
            if before is not None:
                self.streams[key].version, self.streams[key].state = before
        self._undo.clear()
        del self.pending[self._mark :]

    def touched(self) -> list[Stream]:
        """Return the streams that have new events."""
        return [stream for stream in self.streams.values() if stream.version > stream.stored_version]

    def partition(self, ref: StreamRef[Any, Any]) -> int:
        """Return the partition that serves the stream."""
        return ref.partition if ref.partition is not None else partition_of(ref.debtor_id, self.partitions)


def encode_state(state: Any) -> bytes:
    """Return the stored form of a state."""
    return _state_encoder.encode(state)


def fold(service: str, decider: Decider[Any, S], events: Iterable[tuple[str, int, bytes]]) -> S:
    """Return the state after the stored events (type, schema version, data) of one stream.

    Raises:
        CorruptStream: an event cannot follow the ones before it.
    """
    state = decider.initial
    for name, version, data in events:
        state = decider.evolve(state, decode(service, name, version, data))
    return state


def _restore(
    service: str, ref: StreamRef[Any, Any], state_version: int, body: bytes, events: list[tuple[str, int, bytes]] | None
) -> Any:
    decider = ref.decider
    if events is not None:
        return fold(service, decider, events)
    if state_version != decider.state_version:
        raise CorruptStream(f"{ref.key}: state of version {state_version} came without its events")
    decoder = _state_decoders.get(decider.state_type)
    if decoder is None:
        decoder = _state_decoders[decider.state_type] = msgspec.msgpack.Decoder(decider.state_type)
    return decoder.decode(body)
