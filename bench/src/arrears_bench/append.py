"""`append`: how long one HTTP-like command takes from decision to durable answer, at 1, 16 and 64 clients."""

from __future__ import annotations

import asyncio
import time

from arrears.clock import SystemClock
from arrears.database import Database
from arrears.eventstore.commands import Commands, IdempotencyKey
from arrears.eventstore.store import EventStore
from arrears.eventstore.work import Work
from arrears.signal import Signal
from arrears_bench.parts import PARTITIONS, Parts
from arrears_bench.report import Report, middle, paired, percentile
from arrears_bench.workload import FEES, charge, fees

_COMMANDS = 1_600
_CLIENTS = (1, 16, 64)


async def run(parts: Parts, rounds: int = 3) -> Report:
    """Measure commands with an idempotency key, beside bare one-row commits by as many connections."""
    figures: dict[str, list[float]] = {}
    ours: dict[int, list[float]] = {n: [] for n in _CLIENTS}
    bare: dict[int, list[float]] = {n: [] for n in _CLIENTS}
    for _ in range(rounds):
        for clients in _CLIENTS:
            async with parts.database() as database:
                bare[clients].append(await _bare(database, clients))
                times, rate = await _commands(database, clients)
            ours[clients].append(rate)
            for name, value in (
                ("p50_ms", 1_000 * percentile(times, 0.5)), ("p99_ms", 1_000 * percentile(times, 0.99)), ("per_s", rate),
            ):  # fmt: skip
                figures.setdefault(f"{clients}_clients_{name}", []).append(value)
    return Report(
        name="append",
        figures={name: middle(values) for name, values in figures.items()},
        ratios={f"bare_commit_at_{n}": paired(ours[n], bare[n]) for n in _CLIENTS},
        limited_by="one flush a group and about three round trips a command (key, state, append); Python's share of a core",
    )


async def _commands(database: Database, clients: int) -> tuple[list[float], float]:
    store = EventStore("ingest", database, partitions=PARTITIONS, deciders=[FEES])
    commands = Commands(store, SystemClock(), Signal())
    times: list[float] = []

    async def client(number: int) -> None:
        for turn in range(_COMMANDS // clients):

            async def handler(work: Work) -> dict[str, int]:
                await charge(work, number)
                return {"count": (await work.state(fees(number))).count}

            begun = time.perf_counter()
            await commands.run(handler, IdempotencyKey.of(f"client-{number}", f"key-{turn}", b"body"))
            times.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(clients)))
    rate = len(times) / (time.perf_counter() - begun)
    await commands.close()
    return times, rate


async def _bare(database: Database, clients: int) -> float:
    """Commit one row a transaction into a bare table: what the disk and the server allow."""
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data bytea)")

    async def client() -> None:
        for _ in range(_COMMANDS // clients):
            async with database.connection() as connection:
                await connection.execute("INSERT INTO bare (data) VALUES ($1)", b"x" * 300)

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return _COMMANDS / (time.perf_counter() - begun)
