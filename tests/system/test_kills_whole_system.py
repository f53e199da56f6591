"""`kill -9` of every service at every failpoint it passes, of the broker and of the database, under the demo's load.

The portfolio lives through its business days while the processes of the system die one after another; people, bank and
core banking only ask again with the same key. Afterwards the system must look as if nothing had happened.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date
from signal import SIGKILL
from typing import Any, Final

import asyncpg
import pytest
from tests.system.kills import Killer, deaths, table

from arrears.failpoints import FAILPOINTS
from arrears.settings import Settings
from arrears_local.demo import FIRST_DAY, Demo, supervised_system, world
from arrears_local.invariants import Found, check_invariants, count_events
from arrears_local.settings import read_settings
from arrears_local.simulator.quiescence import until_quiet
from arrears_local.simulator.world import World, business_days

pytestmark = pytest.mark.timeout(900)  # the first test pays for the whole run: about 70 restarts

LOANS: Final = 40
FIRST_CLOSE: Final = date(2026, 1, 14)  # the portfolio's first instalments fall due in these weeks
CALM_DAYS: Final = 6  # until reminders, calls and promises are under way
ORDERS_A_DAY: Final = 3
INFRASTRUCTURE: Final = {"kafka": "ingest", "postgres": "outreach"}
"""what is killed from outside, as soon as the log of the other grows on that day"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left when everything has died and come back."""

    killed: list[tuple[str, str]]
    not_killed: dict[str, list[str]]
    deaths: dict[str, tuple[int, int | None]]
    hit: set[str]
    lags: list[dict[str, Any]]
    invariants: dict[str, Found]
    logs: list[dict[str, Any]]
    events: dict[str, dict[str, int]]
    messages: list[dict[str, Any]]
    reported: list[str]
    """the provider's ids of the messages that outreach's log says were sent"""
    people: World


@pytest.fixture(scope="module")
async def outcome(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outcome]:
    """Live through the days with all the deaths, then look."""
    home = tmp_path_factory.mktemp("kills")
    orders, hits = home / "orders", home / "hits"
    orders.mkdir()
    environ = {**os.environ, "ARREARS_FAILPOINT_DIR": str(orders), "ARREARS_FAILPOINT_LOG": str(hits)}
    async with supervised_system(home, environ, print) as (environment, supervisor):
        killer = Killer(supervisor, orders)
        async with world(Demo(loans=LOANS), environment, read_settings(environment).kafka, print) as outside:
            plan = await live_and_die(outside, killer)
            await killer.everything_runs()
            logs = await until_verified(outside)
            answer = await outside.http.get(f"{outside.sms_url}/messages")
            yield Outcome(
                killer.done, {**plan, **killer.open}, deaths(supervisor.status()), {path.name for path in hits.iterdir()},
                await until_quiet(outside.doors), await check_invariants(environment, outside), logs,
                await count_events(environment), answer.json()["messages"], await reported_messages(environment), outside,
            )  # fmt: skip


async def live_and_die(outside: World, killer: Killer) -> dict[str, list[str]]:
    """Let days pass until everybody has died everywhere; returns what of the plan could not be done."""
    plan, outages = table(), dict(INFRASTRUCTURE)
    await outside.book_portfolio(FIRST_DAY)
    for number, on in enumerate(business_days(FIRST_CLOSE, 30)):
        if number >= CALM_DAYS and outages:
            await live_through_outage(outside, killer, on, *outages.popitem())
            continue
        if number >= CALM_DAYS:
            await killer.order(plan, ORDERS_A_DAY)
        await outside.live_through(on)
        killer.collect()
        if not any(plan.values()) and not killer.open:
            break
    return {service: names for service, names in plan.items() if names}


async def live_through_outage(outside: World, killer: Killer, on: date, victim: str, busy: str) -> None:
    """Kill `victim` in the middle of a day, when the service `busy` has begun to write."""
    await killer.everything_runs()
    before = await head_of(outside, busy)
    day = asyncio.create_task(outside.live_through(on))
    while await head_of(outside, busy) == before and not day.done():
        pass
    killer.kill(victim)
    await day
    await killer.everything_runs()


async def reported_messages(environment: Mapping[str, str]) -> list[str]:
    """Return the provider's id of each message that stands in outreach's log as sent."""
    connection = await asyncpg.connect(Settings.read("outreach", environment).database_url)
    try:
        rows = await connection.fetch(
            "SELECT d->>'provider_ref' AS id FROM (SELECT convert_from(data, 'UTF8')::jsonb AS d FROM es.event "
            "WHERE type = 'ContactAttempted') e WHERE d->>'channel' = 'sms'"
        )
    finally:
        await connection.close()
    return [row["id"] for row in rows]


async def head_of(outside: World, service: str) -> int:
    """Return the length of a service's log."""
    head: int = (await outside.doors.get(service, "/v1/lag"))["head"]
    return head


async def until_verified(outside: World) -> list[dict[str, Any]]:
    """Return audit's verdicts when it has checked everything that was ever signed, and all its events have arrived."""
    logs: list[dict[str, Any]] = []
    async with asyncio.timeout(120):
        while not logs or any(log["status"] == "behind" for log in logs):
            logs = (await outside.doors.get("audit", "/v1/verification"))["logs"]
    return logs


def test_every_service_died_at_every_failpoint_and_came_back(outcome: Outcome) -> None:
    wanted = [(service, name) for service, names in table().items() for name in names]
    assert (sorted(outcome.killed), outcome.not_killed) == (sorted(wanted), {})


def test_nothing_died_but_what_was_killed(outcome: Outcome) -> None:
    expected = {service: (times, -SIGKILL) for service, times in Counter(name for name, _ in outcome.killed).items()}
    found = dict(outcome.deaths)
    # PostgreSQL refuses to start until the last of its killed server's processes is gone, so it may need two tries.
    assert found.pop("postgres")[0] >= 1
    assert found == {**expected, "kafka": (1, -SIGKILL)}


def test_every_failpoint_in_the_code_was_reached(outcome: Outcome) -> None:
    assert outcome.hit == set(FAILPOINTS)


def test_nothing_is_left_to_do_and_nothing_is_parked(outcome: Outcome) -> None:
    assert [
        (lag["service"], lag["total"], lag["parked"]) for lag in outcome.lags if lag["total"] or lag["parked"]
    ] == []


@pytest.mark.parametrize("guarantee", ["G1", "G2", "G3", "G4", "G5", "G6"])
def test_the_guarantees_hold(outcome: Outcome, guarantee: str) -> None:
    assert outcome.invariants[guarantee].holds, outcome.invariants[guarantee].evidence


def test_the_load_was_worth_the_name(outcome: Outcome) -> None:
    names = {name for by_type in outcome.events.values() for name in by_type}
    assert {"LoanOverdue", "ContactPermitted", "ContactAttempted", "PromiseMade", "LoanCured"} <= names
    assert (outcome.people.tally.calls > 0, len(outcome.people.payments) > 10) == (True, True)


def test_the_sealed_logs_still_verify(outcome: Outcome) -> None:
    assert {log["service"]: log["status"] for log in outcome.logs} == dict.fromkeys(
        ("ingest", "scoring", "outreach", "legal", "audit"), "ok"
    )
    assert "IntegrityViolationFound" not in outcome.events["audit"]


def test_every_message_went_out_once_and_is_in_the_log_once(outcome: Outcome) -> None:
    sent = sorted(message["sid"] for message in outcome.messages)
    assert (len(sent) > 0, sorted(outcome.reported)) == (True, sent)
