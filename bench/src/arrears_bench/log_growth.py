"""`log-growth`: what an append costs when the log holds ten thousand, a hundred thousand and a million events."""

from __future__ import annotations

import os
import time
from typing import Final

from arrears.eventstore.store import EventStore
from arrears_bench.parts import PARTITIONS, Parts
from arrears_bench.report import Report, middle
from arrears_bench.workload import FEES, fill

SIZES: Final = tuple(int(n) for n in os.environ.get("ARREARS_BENCH_SIZES", "10000,100000,1000000").split(","))
_SAMPLE: Final = 10_000


async def run(parts: Parts, rounds: int = 15) -> Report:
    """Grow one log through the sizes; at each, measure batches of 2,000 events on streams that exist."""
    figures: dict[str, float] = {}
    async with parts.database() as database:
        store = EventStore("ingest", database, partitions=PARTITIONS, deciders=[FEES])
        held, loans = 0, 10_000
        for size in SIZES:
            await fill(store, size - held, loans, start=held)
            held = size
            async with database.connection() as connection:
                await connection.execute("VACUUM ANALYZE es.event")
                await connection.execute("VACUUM ANALYZE es.stream")
                await connection.execute("CHECKPOINT")
            costs = []
            for _ in range(rounds):
                begun = time.perf_counter()
                await fill(store, _SAMPLE, loans, start=held)
                costs.append(1e6 * (time.perf_counter() - begun) / _SAMPLE)
                held += _SAMPLE
            figures[f"us_per_event_at_{size}"] = middle(costs)
    first = figures[f"us_per_event_at_{SIZES[0]}"]
    return Report(
        name="log-growth",
        figures=figures,
        ratios={
            f"at_{size}_to_at_{SIZES[0]}": round(figures[f"us_per_event_at_{size}"] / first, 3) for size in SIZES[1:]
        },
        limited_by="index depth and cache misses of the log's two indexes; checkpoints and full-page writes in between",
    )
