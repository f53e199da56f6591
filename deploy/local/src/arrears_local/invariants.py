"""The guarantees G1 to G6, checked on a system that stands still: from its databases and topics, not from its own word."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from arrears.rebuild import rebuild
from arrears.service import runtime
from arrears.settings import Settings
from arrears_local.cli.operations import SERVICES, definition_of
from arrears_local.simulator.world import World

_PATIENCE_SECONDS: Final = 30.0
PUBLISHERS: Final = ("ingest", "scoring", "outreach", "legal", "audit")


@dataclass(frozen=True, slots=True)
class Found:
    """Whether a guarantee holds, and what was counted."""

    holds: bool
    evidence: str


async def check_invariants(environment: Mapping[str, str], world: World) -> dict[str, Found]:
    """Return G1 to G6, each with its evidence."""
    databases = {s: await asyncpg.connect(Settings.read(s, environment).database_url) for s in SERVICES}
    try:
        return {
            "G1": await _accepted_is_kept(databases, world),
            "G2": await _at_last(lambda: _everybody_heard(databases, environment)),
            "G3": await _at_last(lambda: _effects_once(databases)),
            "G4": await _projections_are_folds(environment),
            "G5": await _money_is_conserved(databases["ingest"], world),
            "G6": await _contacts_are_permitted(databases["outreach"]),
        }
    finally:
        for connection in databases.values():
            await connection.close()


async def _at_last(check: Callable[[], Awaitable[Found]]) -> Found:
    """Return what `check` finds once it holds, or after a while: audit countersigns heads even when nobody else acts, so
    that a log may grow between two queries; a difference that stays is one."""
    until = time.monotonic() + _PATIENCE_SECONDS
    found = await check()
    while not found.holds and time.monotonic() < until:
        await asyncio.sleep(0.5)
        found = await check()
    return found


async def count_events(environment: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Return the number of events in each service's log, by type."""
    found: dict[str, dict[str, int]] = {}
    for service in PUBLISHERS:
        connection = await asyncpg.connect(Settings.read(service, environment).database_url)
        rows = await connection.fetch("SELECT type, count(*) AS n FROM es.event GROUP BY type ORDER BY type")
        found[service] = {row["type"]: row["n"] for row in rows}
        await connection.close()
    return found


async def _accepted_is_kept(databases: Mapping[str, Any], world: World) -> Found:
    """G1: what the outside handed over or was told to be done is in the logs once, and no log has a gap."""
    ingest, outreach, legal = (databases[service] for service in ("ingest", "outreach", "legal"))
    money = await ingest.fetchrow(
        "SELECT count(*) AS n, coalesce(sum((convert_from(data, 'UTF8')::jsonb->>'amount_minor')::bigint), 0) AS total "
        "FROM es.event WHERE type = 'RepaymentReceived'"
    )
    calls = await outreach.fetchval(
        "SELECT count(*) FROM es.event WHERE type = 'ContactAttempted' "
        "AND convert_from(data, 'UTF8')::jsonb->>'channel' = 'voice'"
    )
    tally = world.tally
    pairs = {
        "loans": (await _count(ingest, "LoanImported"), len(world.loans)),
        "payments": (money["n"], len(world.payments)),
        "fen": (money["total"], sum(payment.amount_minor for payment in world.payments)),
        "calls": (calls, tally.calls),
        "promises": (await _count(outreach, "PromiseMade"), tally.promises),
        "approvals": (await _count(legal, "ApprovalGranted"), tally.approvals),
    }
    torn = [publisher for publisher in PUBLISHERS if not await _is_dense(databases[publisher])]
    holds = not torn and all(kept == given for kept, given in pairs.values())
    told = ", ".join(f"{kept}/{given} {what}" for what, (kept, given) in pairs.items())
    return Found(holds, told + "".join(f", the log of {one} has a gap" for one in torn))


async def _count(database: Any, name: str) -> int:
    found: int = await database.fetchval("SELECT count(*) FROM es.event WHERE type = $1", name)
    return found


async def _is_dense(database: Any) -> bool:
    """Say whether a log's positions are 1 to n, and so the versions of each of its streams, up to the stream's own."""
    dense: bool = await database.fetchval(
        """SELECT (SELECT count(*) = coalesce(max(position), 0) FROM es.event) AND NOT EXISTS (
          SELECT FROM es.stream s LEFT JOIN es.event e ON e.stream_no = s.no GROUP BY s.no, s.version
          HAVING count(e.version) <> s.version OR count(DISTINCT e.version) <> s.version
              OR coalesce(max(e.version), 0) <> s.version)"""
    )
    return dense


async def _everybody_heard(databases: Mapping[str, Any], environment: Mapping[str, str]) -> Found:
    """G2: for each subscriber, the last version heard of every stream is the publisher's last version."""
    wrong, streams = [], 0
    for service in SERVICES:
        topics = [s.topic.removesuffix(".events") for s in definition_of(service).sources if s.versioned]
        for publisher in topics:
            rows = await databases[publisher].fetch("SELECT key, version FROM es.stream")
            published = {row["key"]: row["version"] for row in rows}
            rows = await databases[service].fetch(
                "SELECT stream_key, version FROM es.seen_version WHERE source = $1 AND consumer = $2",
                publisher,
                service,
            )
            streams += len(published)
            if published != {row["stream_key"]: row["version"] for row in rows}:
                wrong.append(f"{service} of {publisher}")
    return Found(not wrong, f"{streams} streams compared" + "".join(f", {one} differs" for one in wrong))


async def _effects_once(databases: Mapping[str, Any]) -> Found:
    """G3: the console's timeline, a foreign read model of all logs, holds each debtor's event once and no other."""
    total = 0
    for publisher in PUBLISHERS:
        total += await databases[publisher].fetchval("SELECT count(*) FROM es.event WHERE type <> 'BusinessDayClosed'")
    shown = await databases["console"].fetchval("SELECT count(*) FROM read.timeline")
    copied = await databases["audit"].fetchval("SELECT count(*) FROM read.copy")
    logged = 0
    for publisher in PUBLISHERS:
        logged += await databases[publisher].fetchval("SELECT count(*) FROM es.event")
    holds = shown == total and copied == logged
    return Found(holds, f"{shown} of {total} events on the timeline, {copied} of {logged} in audit's copy")


async def _projections_are_folds(environment: Mapping[str, str]) -> Found:
    """G4: every read model equals its own rebuild from the logs."""
    wrong, compared, rows = [], 0, 0
    for service in SERVICES:
        definition, settings = definition_of(service), Settings.read(service, environment)
        async with runtime(definition, settings) as bound:
            for projection in definition.projections:
                done = await rebuild(bound, projection.name, lambda _done, _total: None, swap=False)
                compared, rows = compared + 1, rows + done.old_rows
                if not done.equal:
                    wrong.append(f"{service}.{projection.name}")
    return Found(not wrong, f"{compared} read models, {rows} rows" + "".join(f", {one} differs" for one in wrong))


async def _money_is_conserved(ingest: Any, world: World) -> Found:
    """G5: money in = money allocated + overpaid, to the minor unit, for each repayment."""
    row = await ingest.fetchrow(
        """WITH r AS (SELECT convert_from(data, 'UTF8')::jsonb AS d FROM es.event WHERE type = 'RepaymentReceived')
        SELECT count(*) AS n, count(*) FILTER (WHERE (d->>'amount_minor')::bigint <> (d->>'overpayment_minor')::bigint
          + coalesce((SELECT sum((p->>'amount_minor')::bigint) FROM jsonb_array_elements(d->'allocation') p), 0)) AS wrong,
          coalesce(sum((d->>'amount_minor')::bigint), 0) AS total FROM r"""
    )
    return Found(row["wrong"] == 0, f"{row['n']} repayments, {row['total']} fen, {row['wrong']} that do not add up")


async def _contacts_are_permitted(outreach: Any) -> Found:
    """G6: each outbound attempt has its permit before it in the log, and no day's cap was exceeded."""
    row = await outreach.fetchrow(
        """WITH e AS (SELECT position, type, convert_from(data, 'UTF8')::jsonb AS d FROM es.event
                      WHERE type IN ('ContactPermitted', 'ContactAttempted')),
        a AS (SELECT * FROM e WHERE type = 'ContactAttempted' AND d->>'direction' = 'outbound')
        SELECT count(*) AS attempts, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM e p WHERE p.type = 'ContactPermitted'
          AND p.d->>'attempt_id' = a.d->>'attempt_id' AND p.position < a.position)) AS without FROM a"""
    )
    over = await outreach.fetchval(
        """WITH s AS (SELECT slot->>'rule_id' AS rule, slot->>'key' AS key, slot->>'on' AS day
                      FROM es.event, jsonb_array_elements(convert_from(data, 'UTF8')::jsonb->'slots') slot
                      WHERE type = 'ContactPermitted')
        SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM s GROUP BY rule, key, day) c"""
    )
    holds = row["without"] == 0 and over <= 6  # the loosest of the caps is six dials a day to one contact point
    return Found(
        holds, f"{row['attempts']} attempts, {row['without']} without permit, at most {over} uses of one slot a day"
    )
