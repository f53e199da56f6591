"""The whole system as its neighbours see it: topics, files, HTTP, the provider, and a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import asyncpg
import httpx
from aiokafka import AIOKafkaProducer
from tests.system.traces import TraceCollector

from arrears.auth.principal import Role
from arrears.events.registry import Event
from arrears.settings import Settings
from arrears_local.doors import Doors, open_doors
from arrears_local.issuer.keys import kept_key
from arrears_local.issuer.tokens import mint
from arrears_local.person import PersonToken
from arrears_local.simulator.bank import CoreBanking
from arrears_local.simulator.quiescence import until_quiet

HOME_ZONE: Final = ZoneInfo("Asia/Shanghai")
PUBLISHERS: Final = ("ingest", "scoring", "outreach", "legal", "audit")


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a debtor's timeline, as the console has it."""

    event_id: str
    service: str
    position: int
    name: str
    causation: str
    data: Mapping[str, Any]


class Story:
    """What all services together say about one debtor; there is no order between services, only within each."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines = sorted(lines, key=lambda line: (line.service, line.position))

    def names(self, service: str, *wanted: str) -> list[str]:
        """Return the names of a service's events in its order, only those wanted if some are given."""
        return [x.name for x in self.lines if x.service == service and (not wanted or x.name in wanted)]

    def all(self, name: str) -> list[Line]:
        """Return the events of one name."""
        return [line for line in self.lines if line.name == name]

    def one(self, name: str) -> Line:
        """Return the only event of that name."""
        (found,) = self.all(name)
        return found

    def first(self, name: str) -> Line:
        """Return the first event of that name."""
        return self.all(name)[0]

    def because_of(self, name: str) -> str:
        """Return the name of the event that caused the first `name`, empty when it is not about this debtor."""
        cause = self.first(name).causation
        return next((line.name for line in self.lines if line.event_id == cause), "")


@dataclass(slots=True)
class System:
    """A running system. `doors` calls as the simulator's client, which has most roles."""

    environment: Mapping[str, str]
    kafka: str
    doors: Doors
    http: httpx.AsyncClient
    producer: AIOKafkaProducer
    traces: TraceCollector
    core_banking: CoreBanking
    _people: dict[str, Doors] = field(default_factory=dict)
    _told: int = 0

    def person(self, subject: str) -> Doors:
        """Return the doors as a person of the development issuer, signed in by the code flow."""
        if subject not in self._people:
            tokens = PersonToken(self.http, self.environment["ARREARS_OIDC_ISSUER"], subject)
            self._people[subject] = Doors(self.http, tokens, self.environment)
        return self._people[subject]

    def token_of(self, role: Role, subject: str = "") -> str:
        """Return a good token of somebody who has exactly one role, signed by the running issuer's own key."""
        issuer = self.environment["ARREARS_OIDC_ISSUER"]
        key = kept_key(Path(self.environment["ARREARS_HOME"]))
        now = datetime.now(UTC).timestamp()  # noqa: TID251  (tokens live in real time)
        return mint(key, issuer=issuer, subject=subject or f"only-{role}", roles=(role,), now=now)

    async def move_clock(self, on: date, at: time, zone: ZoneInfo = HOME_ZONE) -> datetime:
        """Set the time that the whole system goes by; what falls due by then happens before this returns."""
        instant = datetime.combine(on, at, zone).astimezone(UTC)
        answer = await self.http.post(f"{self.environment['ARREARS_CLOCK_URL']}/now", json={"at": instant.isoformat()})
        assert answer.status_code == 200, answer.text
        await self.quiet()
        return instant

    async def quiet(self) -> None:
        """Return when no service has anything left to do."""
        await until_quiet(self.doors)

    async def told(self, *events: tuple[str, Event]) -> None:
        """Let core banking publish (customer reference, event) now and wait for all consequences."""
        at = await self.now()
        numbered = []
        for customer, event in events:
            self._told += 1
            numbered.append((customer, f"test-{self._told}", event))
        await self.core_banking.publish(numbered, at)
        await self.quiet()

    async def now(self) -> datetime:
        """Return the time of the virtual clock."""
        answer = await self.http.get(f"{self.environment['ARREARS_CLOCK_URL']}/now")
        return datetime.fromisoformat(answer.json()["now"])

    async def next_monday(self) -> date:
        """Return a Monday that lies ahead, for a test that needs no special dates."""
        today = (await self.now()).astimezone(HOME_ZONE).date()
        return today + timedelta(days=7 - today.weekday())

    async def close_day(self, on: date) -> dict[str, Any]:
        """Close a business day late in its evening and wait for all consequences."""
        evening = datetime.combine(on, time(21, 30), HOME_ZONE)
        if await self.now() < evening:
            await self.move_clock(on, time(21, 30))
        answer: dict[str, Any] = await self.doors.post("ingest", "/v1/business-days", {"date": on.isoformat()})
        await self.quiet()
        return answer

    async def import_file(self, content: bytes, format_name: str) -> dict[str, Any]:
        """Hand in a file and wait for all consequences."""
        answer: dict[str, Any] = await self.doors.upload("ingest", "/v1/files", content, format=format_name)
        await self.quiet()
        return answer

    async def story(self, debtor_id: str) -> Story:
        """Return the debtor's timeline."""
        found = await self.doors.get("console", "/v1/timeline", debtor_id=debtor_id, limit="10000")
        return Story(
            Line(e["event_id"], e["source"], e["position"], e["type"], e["causation"], e["data"])
            for e in found["events"]
        )

    async def loan(self, loan_id: str, as_of: date) -> dict[str, Any]:
        """Return a loan at the close of a day."""
        found: dict[str, Any] = await self.doors.get("ingest", f"/v1/loans/{loan_id}", as_of=as_of.isoformat())
        return found

    async def call(self, collector: str, debtor_id: str, **wish: Any) -> dict[str, Any]:
        """Ask the gate for a contact as a collector."""
        wanted = {"debtor_id": debtor_id, "channel": "voice", **wish}
        decision: dict[str, Any] = await self.person(collector).post("outreach", "/v1/contacts", wanted)
        return decision

    async def messages_to(self, phone: str) -> list[dict[str, Any]]:
        """Return the text messages that the provider took for a number."""
        answer = await self.http.get(f"{self.environment['ARREARS_SMS_URL']}/messages", params={"to": phone})
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    async def heads(self) -> dict[str, int]:
        """Return the length of each service's log but audit's, whose checkpoints follow real time."""
        lags = await asyncio.gather(*(self.doors.get(service, "/v1/lag") for service in PUBLISHERS[:-1]))
        return {lag["service"]: lag["head"] for lag in lags}

    async def until_verified(self) -> list[dict[str, Any]]:
        """Return audit's verdicts once it has checked all that every service signed; heads are signed in real time."""
        logs: list[dict[str, Any]] = []
        async with asyncio.timeout(60):
            while not logs or any(log["status"] == "behind" for log in logs):
                logs = (await self.person("auditor-1").get("audit", "/v1/verification"))["logs"]
        return logs

    async def overdue_loans(self) -> set[str]:
        """Return the loans that ever fell overdue, by ingest's log."""
        connection = await asyncpg.connect(Settings.read("ingest", self.environment).database_url)
        try:
            rows = await connection.fetch("SELECT data FROM es.event WHERE type = 'LoanOverdue'")
        finally:
            await connection.close()
        return {json.loads(row["data"])["loan_id"] for row in rows}

    async def command(self, *arguments: str) -> tuple[int, str, str]:
        """Run `arrears …` as a person would; returns exit code, standard output, standard error."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "arrears_local.cli", *arguments, env={**self.environment, "COLUMNS": "200"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    async def json_of(self, *arguments: str) -> Any:
        """Run a command with `--json` and return what it printed."""
        code, out, err = await self.command(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)


@asynccontextmanager
async def at_the_doors(environment: Mapping[str, str], kafka: str, traces: TraceCollector) -> AsyncIterator[System]:
    """Yield a running system as the test meets it."""
    async with (
        open_doors("simulator", environment) as doors,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
        AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=2) as producer,
    ):
        yield System(environment, kafka, doors, http, producer, traces, CoreBanking(producer))
