"""The copy: every event of every log as the topics showed it, byte for byte, with its leaf.

A second, different event at a position does not replace the first; it is noted beside it, which `check_copy` reports.
The own log reaches the copy twice, by position and by its topic; the topic adds the offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from arrears.projections import Projection, Write
from arrears.recorded import Recorded
from arrears.tree.leaves import leaf_of

SERVICES: Final = ("ingest", "scoring", "outreach", "legal", "audit")

_COLUMNS: Final = """service text NOT NULL, position bigint NOT NULL, part smallint NOT NULL, kafka_offset bigint,
    stream_key text NOT NULL, version int NOT NULL, debtor_id text NOT NULL, type text NOT NULL,
    schema_version smallint NOT NULL, occurred_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL,
    data bytea NOT NULL, meta bytea NOT NULL, leaf bytea NOT NULL, other_leaf bytea, PRIMARY KEY (service, position)"""

_INSERT: Final = """INSERT INTO {table} AS c (service, position, part, kafka_offset, stream_key, version, debtor_id, type,
      schema_version, occurred_at, recorded_at, data, meta, leaf)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::smallint[], $4::bigint[], $5::text[], $6::int[], $7::text[],
      $8::text[], $9::smallint[], $10::timestamptz[], $11::timestamptz[], $12::bytea[], $13::bytea[], $14::bytea[])
    ON CONFLICT (service, position) DO UPDATE SET kafka_offset = coalesce(c.kafka_offset, excluded.kafka_offset),
      other_leaf = coalesce(c.other_leaf, nullif(excluded.leaf, c.leaf))
    WHERE c.leaf <> excluded.leaf OR c.kafka_offset IS NULL"""


def _rows(events: Sequence[Recorded]) -> list[tuple[Any, ...]]:
    return [
        (
            e.source, e.position, e.partition, getattr(e, "offset", None), e.stream_key, e.version, e.debtor_id, e.type,
            e.schema_version, e.occurred_at, e.recorded_at, e.raw_data, e.raw_meta, leaf_of(e),
        )
        for e in events
    ]  # fmt: skip


COPY: Final = Projection(
    name="copy",
    version=1,
    follows=frozenset(SERVICES),
    columns=_COLUMNS,
    order_by="service, position",
    writes=(Write(_rows, _INSERT),),
    indexes=("CREATE INDEX ON {table} (service, stream_key, version)",),
)
