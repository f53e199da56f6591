"""What audit publishes: that it has checked the logs, or that one does not hold."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from arrears.events.registry import Event, published


@published("audit")
class AuditCheckpointSigned(Event, frozen=True, kw_only=True):
    """Audit rebuilt a service's tree from the topic, found its signed head right, and countersigned it."""

    service: str
    tree_size: int
    root_hash: str
    head_signature: str
    witness_signature: str
    signed_at: datetime
    head_signed_at: datetime | None = None


@published("audit")
class IntegrityViolationFound(Event, frozen=True, kw_only=True):
    """A log is not what its publisher signed, or not whole; `position` is the first bad place."""

    service: str
    kind: Literal["version_gap", "position_gap", "hash_mismatch", "bad_signature", "clock_order", "schema", "causation"]
    position: int
    stream_key: str
    detail: str
    found_at: datetime
