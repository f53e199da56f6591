"""The native door: `corebanking.events`, CloudEvents in binary or structured mode, keyed by customer reference."""

from __future__ import annotations

from arrears.events.registry import InvalidEvent
from arrears.kafka.cloudevents import RawRecord, from_foreign
from arrears.kafka.sources import Prepare, Source
from arrears.recorded import Recorded
from arrears.values import identity
from ingest.use_cases.told import NATIVE, NATIVE_TOPIC


def decode(record: RawRecord) -> tuple[Recorded, ...]:
    """Return the event of a native record.

    Raises:
        InvalidEvent, UnknownEvent: as `from_foreign`; also when the key is not the event's customer reference, because
            order holds per key only.
    """
    found = from_foreign(record, NATIVE)
    reference = getattr(found.data, "customer_ref", "")
    if found.stream_key != reference:
        raise InvalidEvent(f"the key {found.stream_key!r} is not the event's customer_ref {reference!r}")
    return (found,)


def source(prepare: Prepare, tenant: str = "default") -> Source:
    """Return the source; `prepare` brings the keys of persons to hand."""
    return Source(
        NATIVE_TOPIC,
        decode,
        versioned=False,
        prepare=prepare,
        debtor_of=lambda key: identity.debtor_id(tenant, NATIVE, key),
    )
