"""What the use cases need of the world: audit's memory, the keys, a way to publish."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from arrears.tree.heads import SignedHead
from audit.domain.checkpoint import Checkpoint, Command, Violation
from audit.domain.checks import CopiedEvent, NamedCause

Report = Callable[[str, Violation], Awaitable[None]]
Offsets = Mapping[tuple[str, int], int]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far audit is with one service: events copied without a gap and checked, the newest record time among them,
    and the size of the newest head found right."""

    checked: int = 0
    recorded_at: datetime | None = None
    verified: int = 0


@dataclass(frozen=True, slots=True)
class OpenCause:
    """An event whose named cause is not in the copy yet."""

    service: str
    cause: NamedCause


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record that audit's consumer could not apply: which one, and why."""

    service: str
    place: tuple[str, int, int]
    event_id: str
    truncated: bool
    error: str


class Memory(Protocol):
    """Audit's own tables: the copy, the trees over it, the heads received."""

    async def progress(self, service: str) -> Progress: ...

    async def page(self, service: str, after: int) -> Sequence[CopiedEvent]: ...

    async def versions_before(self, service: str, streams: Collection[str], position: int) -> Mapping[str, int]: ...

    async def keep(self, service: str, run: Sequence[CopiedEvent], causes: Sequence[NamedCause]) -> None:
        """Grow the tree by the run and remember the causes that the copy does not hold; all or nothing."""

    async def pending_heads(self, service: str) -> Sequence[SignedHead]:
        """Return the heads not judged yet, smallest tree first."""

    async def root_at(self, service: str, size: int) -> bytes: ...

    async def judge(self, head: SignedHead, verdict: str) -> None:
        """Remember what a head turned out to be: `ok`, `bad_signature` or `hash_mismatch`."""

    async def grew_by_others(self, service: str, after: int, size: int) -> bool:
        """Say whether more than the checkpoints of this very log stand between the positions."""

    async def verified_head(self, service: str) -> SignedHead | None:
        """Return the newest head found right."""

    async def open_causes(self) -> Sequence[OpenCause]:
        """Return the causes that are still missing, after forgetting those that have arrived."""

    async def parked(self) -> Sequence[ParkedRecord]: ...

    async def consumed(self) -> Offsets:
        """Return up to which offset each partition is in the copy."""


class Keys(Protocol):
    """The publishers' public keys."""

    def of(self, service: str) -> Ed25519PublicKey | None: ...


class Checkpoints(Protocol):
    """The streams of what audit has said."""

    async def state(self, service: str) -> Checkpoint: ...

    async def execute(self, service: str, command: Command) -> None: ...
