"""`replay`: fold a log of a million events into a read model, beside a raw COPY of the same rows."""

from __future__ import annotations

import os
import time
from typing import Any, Final

from arrears.database import Database
from arrears.eventstore.store import EventStore
from arrears.projections import create_generation, create_indexes
from arrears.timeline import timeline
from arrears_bench.parts import PARTITIONS, Parts
from arrears_bench.report import Report, middle, paired
from arrears_bench.workload import FEES, fill

EVENTS: Final = int(os.environ.get("ARREARS_BENCH_REPLAY_EVENTS", "1000000"))
_PAGE: Final = 5_000


async def run(parts: Parts, rounds: int = 3) -> Report:
    """Measure replay of the timeline into a table without indexes but its key, and COPY of the same rows."""
    ours, raw = [], []
    async with parts.database() as database:
        store = EventStore("ingest", database, partitions=PARTITIONS, deciders=[FEES])
        await fill(store, EVENTS, loans=50_000)
        async with database.connection() as connection:
            await connection.execute("VACUUM ANALYZE es.event")
            await connection.execute("VACUUM ANALYZE es.stream")
        for _ in range(rounds):
            ours.append(EVENTS / await _replay(store))
            raw.append(EVENTS / await _copy(database))
    return Report(
        name="replay",
        figures={"events": EVENTS, "rows_per_s": middle(ours), "raw_copy_rows_per_s": middle(raw)},
        ratios={"raw": paired(ours, raw)},
        limited_by="one Python core that decodes events and builds rows, and the indexes at the end; raw COPY only moves ready rows",
    )


async def _replay(store: EventStore) -> float:
    projection = timeline("ingest")
    async with store.database.transaction() as connection:
        gen = await create_generation(connection, projection, "building")
    begun, position = time.perf_counter(), 0
    while True:
        async with store.database.transaction() as connection:
            events = await store.read(connection, position, _PAGE)
            if not events:
                break
            await projection.apply(connection, gen, events)
            position = events[-1].position
    async with store.database.transaction() as connection:
        await create_indexes(connection, projection, gen)
    seconds = time.perf_counter() - begun
    async with store.database.connection() as connection:
        await connection.execute(f"ALTER TABLE {projection.table(gen)} RENAME TO replayed")
        await connection.execute("DELETE FROM es.projection WHERE status = 'building'")
    return seconds


async def _copy(database: Database) -> float:
    """Read the replayed rows (untimed) and COPY them into a table of the same form."""
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE read.copied (LIKE read.replayed INCLUDING ALL)")
        rows: list[Any] = [tuple(row) for row in await connection.fetch("SELECT * FROM read.replayed")]
        begun = time.perf_counter()
        for first in range(0, len(rows), _PAGE):
            await connection.copy_records_to_table("copied", schema_name="read", records=rows[first : first + _PAGE])
        seconds = time.perf_counter() - begun
        await connection.execute("DROP TABLE read.copied, read.replayed")
    return seconds
