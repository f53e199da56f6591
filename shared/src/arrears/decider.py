"""The shape of every aggregate: decide what a command causes, evolve what an event changes. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import msgspec

from arrears.events.registry import Event

C = TypeVar("C")
S = TypeVar("S")


def _never(_state: Any) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Decider(Generic[C, S]):
    """One kind of stream.

    `decide(command, state)` returns the events that the command causes, or raises a Refusal. `evolve(state, event)`
    returns the state after an event and applies no rule. Both are functions without clock, randomness or I/O.

    `wakes_on(state)` names the first business date at whose close the stream has something to decide; the kernel keeps
    it beside the state, indexed, so that closing a day touches only the streams that wait for it. `wakes_at(state)` is
    the same for instants (a permit that dies after sixty seconds).

    `state_version` names the shape and meaning of the stored state: raise it whenever `evolve` or the state changes, and
    stored states of older versions are folded anew from the events.
    """

    name: str
    initial: S
    decide: Callable[[C, S], tuple[Event, ...]]
    evolve: Callable[[S, Event], S]
    state_type: Any
    state_version: int = 1
    wakes_on: Callable[[S], date | None] = _never
    wakes_at: Callable[[S], datetime | None] = _never


class StreamRef(msgspec.Struct, Generic[C, S], frozen=True):
    """A stream of one decider: `key` is `<kind>/<id>`; all streams of a debtor share the debtor's partition.

    `partition` is given only for streams that belong to no debtor (a business day, a checkpoint).
    """

    decider: Decider[C, S]
    id: str
    debtor_id: str
    partition: int | None = None

    @property
    def key(self) -> str:
        """The stream's name in the log."""
        return f"{self.decider.name}/{self.id}"
