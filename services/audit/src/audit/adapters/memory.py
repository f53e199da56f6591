"""Audit's memory in PostgreSQL: the copy, the trees over it, the heads received."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from arrears.database import Connection, Database
from arrears.tree.heads import SignedHead, TreeHead
from arrears.tree.merkle import frontier_keys, frontier_of, grow, span_hashes, tiles_for
from audit.domain.checks import CopiedEvent, NamedCause
from audit.use_cases.ports import Offsets, OpenCause, ParkedRecord, Progress

PAGE: Final = 2_000
_CONSUMER: Final = "audit"
_COPIED: Final = """service, position, stream_key, version, debtor_id, type, schema_version, occurred_at, recorded_at,
    data, meta, leaf, other_leaf"""
_HEAD: Final = "service, size, root, signature, signed_at"

_PROGRESS: Final = """SELECT coalesce(p.checked, 0) AS checked, p.recorded_at,
      (SELECT coalesce(max(size), 0) FROM audit.head h WHERE h.service = s.name AND h.verdict = 'ok') AS verified
    FROM (VALUES ($1::text)) s(name) LEFT JOIN audit.progress p ON p.service = s.name"""
_ADVANCE: Final = """INSERT INTO audit.progress AS p (service, checked, recorded_at) VALUES ($1, $3, $4)
    ON CONFLICT (service) DO UPDATE SET checked = excluded.checked, recorded_at = greatest(p.recorded_at, excluded.recorded_at)
    WHERE p.checked = $2"""
_OPEN_CAUSES: Final = """INSERT INTO audit.open_cause (service, position, cause_service, cause_position)
    SELECT $1, u.* FROM unnest($2::bigint[], $3::text[], $4::bigint[]) u(position, cause_service, cause_position)
    WHERE NOT EXISTS (SELECT FROM read.copy c WHERE c.service = u.cause_service AND c.position = u.cause_position)
    ON CONFLICT DO NOTHING"""
_FOUND_CAUSES: Final = """DELETE FROM audit.open_cause o USING read.copy c
    WHERE c.service = o.cause_service AND c.position = o.cause_position"""
_VERSIONS: Final = """SELECT u.key, (SELECT max(version) FROM read.copy c
      WHERE c.service = $1 AND c.stream_key = u.key AND c.position <= $3) AS version FROM unnest($2::text[]) u(key)"""
_TILES: Final = """SELECT t.level, t.idx, t.hashes FROM audit.tile t
    JOIN unnest($2::smallint[], $3::bigint[]) k(level, idx) ON t.level = k.level AND t.idx = k.idx WHERE t.service = $1"""


class PostgresMemory:
    """Implements the port `Memory`; every method is its own transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def progress(self, service: str) -> Progress:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_PROGRESS, service)
        return Progress(row["checked"], row["recorded_at"], row["verified"])

    async def page(self, service: str, after: int) -> Sequence[CopiedEvent]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"SELECT {_COPIED} FROM read.copy WHERE service = $1 AND position > $2 ORDER BY position LIMIT $3",
                service, after, PAGE,
            )  # fmt: skip
        return [CopiedEvent(*row) for row in rows]

    async def versions_before(self, service: str, streams: Collection[str], position: int) -> Mapping[str, int]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(_VERSIONS, service, list(streams), position)
        return {row["key"]: row["version"] or 0 for row in rows}

    async def keep(self, service: str, run: Sequence[CopiedEvent], causes: Sequence[NamedCause]) -> None:
        """Grow the tree by the run and remember the causes that the copy does not hold; all or nothing.

        Raises:
            RuntimeError: another process has moved on; only one verifier runs at a time, so this is a bug.
        """
        before = run[0].position - 1
        async with self._database.transaction() as connection:
            frontier = frontier_of(before, await _tiles(connection, service, frontier_keys(before)))
            _, changed = grow(frontier, [event.leaf for event in run])
            await connection.execute(
                "INSERT INTO audit.tile (service, level, idx, hashes) "
                "SELECT $1, * FROM unnest($2::smallint[], $3::bigint[], $4::bytea[]) "
                "ON CONFLICT (service, level, idx) DO UPDATE SET hashes = excluded.hashes",
                service, [level for level, _ in changed], [idx for _, idx in changed], list(changed.values()),
            )  # fmt: skip
            await connection.execute(
                _OPEN_CAUSES, service, [c.position for c in causes], [c.cause_service for c in causes],
                [c.cause_position for c in causes],
            )  # fmt: skip
            newest = max(event.recorded_at for event in run)
            if await connection.execute(_ADVANCE, service, before, run[-1].position, newest) != "INSERT 0 1":
                raise RuntimeError(f"the copy of {service} was already checked past {before}")

    async def pending_heads(self, service: str) -> Sequence[SignedHead]:
        return await self._heads("service = $1 AND verdict = 'pending' ORDER BY size LIMIT 100", service)

    async def verified_head(self, service: str) -> SignedHead | None:
        found = await self._heads("service = $1 AND verdict = 'ok' ORDER BY size DESC LIMIT 1", service)
        return found[0] if found else None

    async def _heads(self, condition: str, service: str) -> list[SignedHead]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(f"SELECT {_HEAD} FROM audit.head WHERE {condition}", service)
        return [SignedHead(TreeHead(r["service"], r["size"], r["root"], r["signed_at"]), r["signature"]) for r in rows]

    async def root_at(self, service: str, size: int) -> bytes:
        async with self._database.connection() as connection:
            tiles = await _tiles(connection, service, tiles_for([(0, size)]))
        return span_hashes([(0, size)], tiles)[0]

    async def judge(self, head: SignedHead, verdict: str) -> None:
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE audit.head SET verdict = $4 WHERE service = $1 AND size = $2 AND root = $3",
                head.head.service, head.head.size, head.head.root, verdict,
            )  # fmt: skip

    async def grew_by_others(self, service: str, after: int, size: int) -> bool:
        async with self._database.connection() as connection:
            grew: bool = await connection.fetchval(
                "SELECT EXISTS (SELECT FROM read.copy WHERE service = $1 AND position > $2 AND position <= $3 "
                "AND NOT (service = 'audit' AND stream_key = 'checkpoint/audit'))",
                service, after, size,
            )  # fmt: skip
        return grew

    async def open_causes(self) -> Sequence[OpenCause]:
        async with self._database.transaction() as connection:
            await connection.execute(_FOUND_CAUSES)
            rows = await connection.fetch("SELECT * FROM audit.open_cause ORDER BY service, position LIMIT 1000")
        return [
            OpenCause(r["service"], NamedCause(r["position"], r["cause_service"], r["cause_position"])) for r in rows
        ]

    async def parked(self) -> Sequence[ParkedRecord]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                'SELECT topic, part, "offset", headers, error FROM es.parked WHERE consumer = $1 AND reason <> $2 '
                'ORDER BY topic, part, "offset" LIMIT 1000',
                _CONSUMER, "behind",
            )  # fmt: skip
        return [_parked(row) for row in rows]

    async def consumed(self) -> Offsets:
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT topic, part, next_offset FROM es.consumer_offset WHERE consumer = $1", _CONSUMER
            )
        return {(row["topic"], row["part"]): row["next_offset"] for row in rows}

    async def head_offsets(self) -> Mapping[int, int]:
        """Return from which offset each partition of `log.heads` is still to be read."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT part, next_offset FROM audit.head_offset")
        return {row["part"]: row["next_offset"] for row in rows}

    async def receive_heads(self, heads: Sequence[SignedHead], next_offsets: Mapping[int, int]) -> None:
        """Keep heads and the place after them in one transaction; a head that comes again changes nothing."""
        async with self._database.transaction() as connection:
            await connection.executemany(
                f"INSERT INTO audit.head ({_HEAD}) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                [(s.head.service, s.head.size, s.head.root, s.signature, s.head.at) for s in heads],
            )
            await connection.executemany(
                "INSERT INTO audit.head_offset (part, next_offset) VALUES ($1, $2) "
                "ON CONFLICT (part) DO UPDATE SET next_offset = excluded.next_offset",
                list(next_offsets.items()),
            )


async def _tiles(
    connection: Connection, service: str, keys: Collection[tuple[int, int]]
) -> dict[tuple[int, int], bytes]:
    rows = await connection.fetch(_TILES, service, [level for level, _ in keys], [idx for _, idx in keys])
    return {(row["level"], row["idx"]): row["hashes"] for row in rows}


def _parked(row: Any) -> ParkedRecord:
    headers = msgspec.json.decode(row["headers"], type=list[tuple[str, bytes]])
    event_id = next((value.decode("utf-8", "replace") for name, value in headers if name == "ce_id"), "")
    service, error = row["topic"].removesuffix(".events"), row["error"]
    place = (row["topic"], row["part"], row["offset"])
    return ParkedRecord(service, place, event_id, error.startswith("LogTruncated"), error)
