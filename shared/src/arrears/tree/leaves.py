"""The leaf of an event: what the publisher computes from its row and audit from the Kafka record. Pure."""

from __future__ import annotations

from arrears.recorded import Recorded, leaf_hash, microseconds


def leaf_of(event: Recorded) -> bytes:
    """Return the leaf hash of an event; both sides hash the stored bytes, never a re-encoding."""
    return leaf_hash(
        event.source, event.position, event.stream_key, event.version, event.debtor_id, event.type,
        event.schema_version, microseconds(event.occurred_at), microseconds(event.recorded_at),
        event.raw_data, event.raw_meta,
    )  # fmt: skip
