"""Keep streams of a running system for the tests of later releases: `python -m arrears.schemas.record FOLDER`.

Takes from each service's log, for each kind of stream, the few streams that together hold every type of event the log
has of that kind. Personal values in them are sealed, and the keys stay behind.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from arrears.auth.policy import SERVICES
from arrears.settings import Settings

# Those with the most types first, and of these the shortest.
_CANDIDATES: Final = """SELECT s.no, s.key, s.kind, array_agg(DISTINCT e.type) AS types FROM es.stream s
    JOIN es.event e ON e.stream_no = s.no GROUP BY s.no ORDER BY count(DISTINCT e.type) DESC, s.version, s.no"""
_EVENTS: Final = "SELECT type, schema_version, data FROM es.event WHERE stream_no = $1 ORDER BY version"


def chosen(candidates: Sequence[tuple[int, str, str, Sequence[str]]]) -> Iterator[tuple[int, str]]:
    """Yield number and key of the streams that are worth keeping: each adds a type to those before it. Pure.

    `candidates` are (number, key, kind, types), those with the most types first.
    """
    seen: dict[str, set[str]] = {}
    for number, key, kind, types in candidates:
        known = seen.setdefault(kind, set())
        if not known.issuperset(types):
            known.update(types)
            yield number, key


async def streams_of(service: str) -> list[bytes]:
    """Return the lines of a service's file, one stream each."""
    connection = await asyncpg.connect(Settings.read(service, os.environ).database_url)
    try:
        rows = await connection.fetch(_CANDIDATES)
        candidates = [(row["no"], row["key"], row["kind"], row["types"]) for row in rows]
        return [await _line(connection, number, key) for number, key in chosen(candidates)]
    finally:
        await connection.close()


async def _line(connection: Any, number: int, key: str) -> bytes:
    events = [
        {"type": name, "version": version, "data": msgspec.Raw(data)}
        for name, version, data in await connection.fetch(_EVENTS, number)
    ]
    return msgspec.json.encode({"stream": key, "events": events})


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    if len(arguments) != 1:
        print("usage: python -m arrears.schemas.record FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for service in SERVICES:
        lines = asyncio.run(streams_of(service))
        print(f"{service}: {len(lines)} streams", file=sys.stderr)
        if lines:
            (folder / f"{service}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
