"""The main job, once: a seeded portfolio lives through many business days on a system of its own; then everything is checked."""

from __future__ import annotations

import os
import time as stopwatch
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaProducer

from arrears_local.doors import Doors, open_doors
from arrears_local.invariants import check_invariants, count_events
from arrears_local.person import PersonToken
from arrears_local.plan import child_environment, make_plan
from arrears_local.ports import free_port
from arrears_local.runner import running_system
from arrears_local.settings import LocalSettings, read_settings
from arrears_local.simulator.bank import CoreBanking
from arrears_local.simulator.portfolio import portfolio
from arrears_local.simulator.quiescence import until_quiet
from arrears_local.simulator.world import World, business_days
from arrears_local.supervisor import Supervisor

FIRST_DAY: Final = date(2026, 1, 5)
# How long the outside asks again when a service does not answer: it may be on its way back.
PATIENCE_SECONDS: Final = 60.0
_PORTS: Final = (
    "ARREARS_KAFKA_PORT", "ARREARS_POSTGRES_PORT", "ARREARS_INGEST_PORT", "ARREARS_SCORING_PORT", "ARREARS_OUTREACH_PORT",
    "ARREARS_LEGAL_PORT", "ARREARS_AUDIT_PORT", "ARREARS_CONSOLE_PORT",
)  # fmt: skip

Tell = Callable[[str], None]
Day = Callable[[int, int, date], None]


@dataclass(frozen=True, slots=True)
class Demo:
    """What shall happen."""

    loans: int = 500
    days: int = 120
    seed: int = 7


def own_environment(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return the environment of a system on free ports with a virtual clock and a home of its own."""
    issuer, clock, sms, smtp = (free_port() for _ in range(4))
    found = {key: value for key, value in environ.items() if key not in ("ARREARS_KAFKA", "ARREARS_DATABASE_URL")}
    found |= {name: str(free_port()) for name in _PORTS}
    found |= {
        "ARREARS_HOME": str(home),
        "ARREARS_CLOCK": "virtual",
        "ARREARS_CLOCK_START": environ.get("ARREARS_CLOCK_START", f"{FIRST_DAY.isoformat()}T00:00:00+00:00"),
        "ARREARS_CLOCK_URL": f"http://127.0.0.1:{clock}",
        "ARREARS_OIDC_ISSUER": f"http://127.0.0.1:{issuer}",
        "ARREARS_SMS_URL": f"http://127.0.0.1:{sms}",
        "ARREARS_SMTP": f"127.0.0.1:{smtp}",
    }
    return found


@asynccontextmanager
async def own_system(home: Path, environ: Mapping[str, str], tell: Tell) -> AsyncIterator[dict[str, str]]:
    """Run a whole system of its own; yields its environment. The broker's jars come from the usual cache."""
    async with supervised_system(home, environ, tell) as (environment, _):
        yield environment


@asynccontextmanager
async def supervised_system(
    home: Path, environ: Mapping[str, str], tell: Tell
) -> AsyncIterator[tuple[dict[str, str], Supervisor]]:
    """Run a whole system of its own; yields its environment and who restarts what dies."""
    cache = read_settings(environ).cache
    environment = own_environment(environ, home)
    _share_cache(home, cache)
    settings: LocalSettings = read_settings(environment)
    async with running_system(settings, make_plan(settings, {}), tell) as supervisor:
        yield environment | child_environment(settings), supervisor


def _share_cache(home: Path, cache: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    if not (home / "cache").exists():
        (home / "cache").symlink_to(cache.resolve(), target_is_directory=True)


@asynccontextmanager
async def world(demo: Demo, environment: Mapping[str, str], kafka: str, tell: Tell) -> AsyncIterator[World]:
    """Yield the outside of a running system."""
    loans = portfolio(demo.seed, demo.loans, FIRST_DAY)
    issuer = environment["ARREARS_OIDC_ISSUER"]
    async with (
        open_doors("simulator", environment, PATIENCE_SECONDS) as doors,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
        AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=5) as producer,
    ):
        first, second = [await _lawyer(http, issuer, name, environment) for name in ("legal-1", "legal-2")]
        bank = CoreBanking(producer)
        urls = environment["ARREARS_CLOCK_URL"], environment["ARREARS_SMS_URL"]
        yield World(demo.seed, loans, doors, (first, second), bank, http, *urls, tell)


async def _lawyer(http: httpx.AsyncClient, issuer: str, subject: str, environment: Mapping[str, str]) -> Doors:
    return Doors(http, PersonToken(http, issuer, subject), environment, PATIENCE_SECONDS)


async def run_demo(demo: Demo, home: Path, tell: Tell, day_done: Day) -> dict[str, Any]:
    """Run the main job and return its summary: events by type and service, lag, invariants, events a second."""
    async with own_system(home, os.environ, tell) as environment:
        settings = read_settings(environment)
        async with world(demo, environment, settings.kafka, tell) as outside:
            begun = stopwatch.perf_counter()
            await outside.book_portfolio(FIRST_DAY)
            for number, on in enumerate(business_days(FIRST_DAY, demo.days), start=1):
                await outside.live_through(on)
                day_done(number, demo.days, on)
            seconds = stopwatch.perf_counter() - begun
            lags = await until_quiet(outside.doors)
            tell("checking the invariants")
            invariants = await check_invariants(environment, outside)
            events = await count_events(environment)
    total = sum(sum(by_type.values()) for by_type in events.values())
    return {
        "loans": demo.loans,
        "days": demo.days,
        "seed": demo.seed,
        "events": _by_type(events),
        "events_by_service": events,
        "lag": {lag["service"]: lag["total"] for lag in lags},
        "parked": {lag["service"]: lag["parked"] for lag in lags},
        "invariants": {name: found.holds for name, found in invariants.items()},
        "evidence": {name: found.evidence for name, found in invariants.items()},
        "people": {
            "calls": outside.tally.calls, "blocked": outside.tally.blocked, "promises": outside.tally.promises,
            "approvals": outside.tally.approvals, "payments": len(outside.payments),
        },
        "events_total": total,
        "seconds": round(seconds, 1),
        "events_per_second": round(total / seconds, 1),
    }  # fmt: skip


def _by_type(events: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return the facts of the portfolio by type: the same for the same seed.

    Audit's checkpoints follow real time (how often a tree had grown when it looked), so they stand only by service.
    """
    found: dict[str, int] = {}
    for service, by_type in events.items():
        if service == "audit":
            continue
        for name, count in by_type.items():
            found[name] = found.get(name, 0) + count
    return dict(sorted(found.items()))
