"""Given-when-then for deciders, after Emmett's DeciderSpecification (idea, not code)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from arrears.decider import Decider
from arrears.events.registry import Event
from arrears.refusals import Refusal

C = TypeVar("C")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Specification(Generic[C, S]):
    """Speaks about one decider: `given(events).when(command).then(events)`."""

    decider: Decider[C, S]

    def given(self, *events: Event) -> Given[C, S]:
        """Start from the state after these events."""
        state = self.decider.initial
        for event in events:
            state = self.decider.evolve(state, event)
        return Given(self.decider, state)


@dataclass(frozen=True, slots=True)
class Given(Generic[C, S]):
    """A state to put a command to."""

    decider: Decider[C, S]
    state: S

    def when(self, command: C) -> Outcome[S]:
        """Decide the command."""
        try:
            events = self.decider.decide(command, self.state)
        except Refusal as refusal:
            return Outcome((), self.state, refusal)
        state = self.state
        for event in events:
            state = self.decider.evolve(state, event)
        return Outcome(events, state, None)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[S]):
    """What the command caused, and the state after it."""

    events: tuple[Event, ...]
    state: S
    refusal: Refusal | None

    def then(self, *expected: Event) -> S:
        """Check that exactly these events were caused; returns the state after them."""
        assert self.refusal is None, f"refused: {self.refusal!r}"
        assert self.events == expected, f"expected {expected!r}, got {self.events!r}"
        return self.state

    def then_nothing(self) -> S:
        """Check that the command caused nothing."""
        return self.then()

    def then_refused(self, expected: type[Refusal] | Refusal) -> Refusal:
        """Check that the command was refused, by class or by equality."""
        assert self.refusal is not None, f"not refused: {self.events!r}"
        matches: Any = isinstance(self.refusal, expected) if isinstance(expected, type) else self.refusal == expected
        assert matches, f"expected {expected!r}, got {self.refusal!r}"
        return self.refusal
