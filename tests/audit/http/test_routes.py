"""What an auditor asks over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from tests.audit.logs import NOON, Auditor, Publisher

from arrears.auth.principal import Role
from arrears.runtime import Runtime
from arrears.service import application, runtime
from arrears.settings import Settings
from arrears_local.issuer.running import RunningIssuer, running_issuer
from audit.domain.checkpoint import ReportViolation, Violation
from audit.entrypoints.definition import AUDIT
from audit.entrypoints.verifier import CheckpointStreams

LOANS = [f"loan-{i}" for i in range(5)]


@dataclass(frozen=True)
class Service:
    """Audit's routes, and who asks."""

    bound: Runtime
    http: httpx.AsyncClient
    issuer: RunningIssuer

    async def get(self, path: str, role: Role = Role.auditor) -> httpx.Response:
        return await self.http.get(path, headers=self.issuer.bearer(role))

    async def log(self, service: str) -> dict[str, object]:
        logs = (await self.get("/v1/verification")).json()["logs"]
        return next(log for log in logs if log["service"] == service)


@pytest.fixture
async def service(audit_url: str, auditor: Auditor, tmp_path: Path) -> AsyncIterator[Service]:
    async with running_issuer() as issuer:
        settings = Settings.read("audit", {"ARREARS_HOME": str(tmp_path), "ARREARS_OIDC_ISSUER": issuer.url})
        async with runtime(AUDIT, replace(settings, database_url=audit_url)) as bound:
            transport = httpx.ASGITransport(application(bound))
            async with httpx.AsyncClient(transport=transport, base_url="http://audit") as http:
                yield Service(bound, http, issuer)


async def test_a_log_is_behind_until_its_head_is_verified(
    service: Service, publisher: Publisher, auditor: Auditor
) -> None:
    assert (await service.log("ingest"))["status"] == "ok", "an empty log holds"
    await auditor.hear(await publisher.charge(*LOANS))
    await publisher.seal()
    [head] = await publisher.heads()
    await auditor.receive([head])
    assert (await service.log("ingest"))["status"] == "behind"
    await auditor.check()
    log = await service.log("ingest")
    assert (log["status"], log["events_copied"], log["verified_size"]) == ("ok", 5, 5)
    assert log["root_hash"] == head.head.root.hex()


async def test_a_violation_stays_until_people_have_dealt_with_it(
    service: Service, publisher: Publisher, auditor: Auditor
) -> None:
    await auditor.hear(await publisher.charge(*LOANS))
    violation = Violation(kind="hash_mismatch", position=3, detail="differs")
    for _ in range(2):
        await CheckpointStreams(service.bound).execute("ingest", ReportViolation("ingest", violation, NOON))
    log = await service.log("ingest")
    assert (log["status"], log["first_bad_position"]) == ("violated", 3)
    assert log["violations"] == [{"kind": "hash_mismatch", "position": 3, "detail": "differs"}]


async def test_heads_come_newest_first_in_pages(service: Service, publisher: Publisher, auditor: Auditor) -> None:
    for _ in range(3):
        await publisher.charge("loan-1")
        await publisher.seal()
    await auditor.receive(await publisher.heads())
    first = (await service.get("/v1/heads?service=ingest&limit=2")).json()
    assert [head["size"] for head in first["items"]] == [3, 2]
    second = (await service.get(f"/v1/heads?service=ingest&limit=2&after={first['next']}")).json()
    assert ([head["size"] for head in second["items"]], second["next"]) == ([1], None)


async def test_events_come_as_they_were_copied(service: Service, publisher: Publisher, auditor: Auditor) -> None:
    events = await publisher.charge(*LOANS)
    await auditor.hear(events)
    found = (await service.get("/v1/events?service=ingest&after=3")).json()["events"]
    assert [event["position"] for event in found] == [4, 5]
    assert found[0]["data"].encode() == events[3].raw_data
    assert found[0]["meta"].encode() == events[3].raw_meta


@pytest.mark.parametrize("path", ["/v1/verification", "/v1/heads?service=ingest", "/v1/events?service=ingest"])
async def test_only_those_who_audit_may_ask(service: Service, path: str) -> None:
    assert (await service.get(path)).status_code == 200
    assert (await service.get(path, Role.collector)).status_code == 403
    assert (await service.http.get(path)).status_code == 401


@pytest.mark.parametrize("query", ["service=other", "service=ingest&after=-1", "service=ingest&limit=0", ""])
async def test_a_wrong_question_is_refused(service: Service, query: str) -> None:
    assert (await service.get(f"/v1/events?{query}")).status_code == 422
