"""What runs on one machine: the table of services and helpers, and the processes that follow from it."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from arrears_local.kafka import prepare_kafka, probe_kafka
from arrears_local.launch import Launch
from arrears_local.ports import LOOPBACK
from arrears_local.postgres import OWNER, prepare_postgres, probe_postgres
from arrears_local.probes import probe_http, probe_port
from arrears_local.settings import LocalSettings

REPLICA_PORT_STEP = 100


class Group(StrEnum):
    """Start order; stopped in reverse."""

    INFRASTRUCTURE = "infrastructure"
    SUPPORT = "support"
    SERVICE = "service"


@dataclass(frozen=True)
class Member:
    """A row of the table: a module run with `python -m`, its port variable and default port."""

    name: str
    variable: str
    port: int
    arguments: tuple[str, ...] = ()


SERVICES = (
    Member("ingest", "ARREARS_INGEST_PORT", 8101, ("ingest", "serve")),
    Member("scoring", "ARREARS_SCORING_PORT", 8102, ("scoring", "serve")),
    Member("outreach", "ARREARS_OUTREACH_PORT", 8103, ("outreach", "serve")),
    Member("legal", "ARREARS_LEGAL_PORT", 8104, ("legal", "serve")),
    Member("audit", "ARREARS_AUDIT_PORT", 8105, ("audit", "serve")),
    Member("console", "ARREARS_CONSOLE_PORT", 8100, ("console", "serve")),
)


@dataclass(frozen=True)
class Helper:
    """A development helper: it listens where its variables (URLs or host:port) say, the first being its main one."""

    name: str
    addresses: tuple[tuple[str, str], ...]


ISSUER = Helper("issuer", (("ARREARS_OIDC_ISSUER", "http://127.0.0.1:8200"),))
PROVIDERS = Helper("providers", (("ARREARS_SMS_URL", "http://127.0.0.1:8201"), ("ARREARS_SMTP", "127.0.0.1:8225")))
CLOCK = Helper("clock", (("ARREARS_CLOCK_URL", "http://127.0.0.1:8210"),))


@dataclass(frozen=True)
class Process:
    """One supervised process. `probe` returns when it is ready and raises OSError, with the reason, while not.
    `prepare` makes what must exist before the first start and may take long; it runs in a thread."""

    name: str
    group: Group
    prepare: Callable[[], Launch]
    probe: Callable[[], Awaitable[None]]
    port: int
    url: str = ""
    more_ports: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Everything that one `arrears up` runs. `migrations` are commands that must succeed before services start."""

    processes: tuple[Process, ...]
    migrations: tuple[Launch, ...]
    console_url: str

    def group(self, group: Group) -> tuple[Process, ...]:
        return tuple(process for process in self.processes if process.group is group)


def make_plan(settings: LocalSettings, replicas: Mapping[str, int]) -> Plan:
    """Raises ValueError for a replica of an unknown service."""
    names = {member.name for member in SERVICES}
    if unknown := sorted(replicas.keys() - names):
        raise ValueError(f"no service is called {', '.join(unknown)}; services are {', '.join(sorted(names))}")
    environment = child_environment(settings)
    processes = [*_infrastructure(settings)]
    processes += [_helper(settings, helper, environment) for helper in helpers(settings)]
    for member in SERVICES:
        count = replicas.get(member.name, 1)
        processes += [_service(settings, member, environment, replica) for replica in range(count)]
    migrations = tuple(
        Launch(f"{m.name}-migrate", (sys.executable, "-m", m.name, "migrate"), _log(settings, f"{m.name}-migrate"),
               environment)
        for m in SERVICES
    )  # fmt: skip
    console = next(process for process in processes if process.name == "console")
    return Plan(tuple(processes), migrations, f"http://{LOOPBACK}:{console.port}")


def helpers(settings: LocalSettings) -> tuple[Helper, ...]:
    """The development helpers; in production, and where a variable names another machine, they are somebody else's."""
    if settings.production:
        return ()
    wanted = (ISSUER, *((CLOCK,) if settings.clock == "virtual" else ()), PROVIDERS)
    return tuple(helper for helper in wanted if all(host == LOOPBACK for host, _ in _listens_at(settings, helper)))


def _listens_at(settings: LocalSettings, helper: Helper) -> list[tuple[str, int]]:
    texts = [text for _, text in _addresses(settings, helper)]
    parts = [urlsplit(text if "//" in text else f"//{text}") for text in texts]
    return [(part.hostname or "", part.port or 80) for part in parts]


def child_environment(settings: LocalSettings) -> dict[str, str]:
    """The variables every process gets, so that all agree on the broker and the database."""
    return {
        **settings.environment,
        "ARREARS_HOME": str(settings.home),
        "ARREARS_KAFKA": settings.kafka,
        "ARREARS_DATABASE_URL": settings.database_url,
        "ARREARS_PARTITIONS": str(settings.partitions),
        "ARREARS_CLOCK": settings.clock,
        "PYTHONUNBUFFERED": "1",
    }


def _infrastructure(settings: LocalSettings) -> list[Process]:
    found = []
    if settings.postgres_port is not None:
        url = f"postgresql://{OWNER}@{LOOPBACK}:{settings.postgres_port}/postgres"
        prepare = partial(prepare_postgres, settings.home, settings.postgres_port)
        found.append(
            Process(
                "postgres",
                Group.INFRASTRUCTURE,
                prepare,
                partial(probe_postgres, url, settings.home / "postgres"),
                settings.postgres_port,
            )
        )
    if settings.kafka_port is not None:
        prepare = partial(prepare_kafka, settings.home, settings.kafka_port, settings.cache)
        probe = partial(probe_kafka, settings.kafka)
        found.append(Process("kafka", Group.INFRASTRUCTURE, prepare, probe, settings.kafka_port))
    return found


def _helper(settings: LocalSettings, helper: Helper, environment: Mapping[str, str]) -> Process:
    argv = (sys.executable, "-m", f"arrears_local.{helper.name}")
    launch = Launch(
        helper.name, argv, _log(settings, helper.name), {**environment, **dict(_addresses(settings, helper))}
    )
    port, *more = (port for _, port in _listens_at(settings, helper))
    probe = partial(probe_port, port)
    return Process(helper.name, Group.SUPPORT, lambda: launch, probe, port, f"http://{LOOPBACK}:{port}", tuple(more))


def _addresses(settings: LocalSettings, helper: Helper) -> list[tuple[str, str]]:
    return [(variable, settings.environment.get(variable, default)) for variable, default in helper.addresses]


def _service(settings: LocalSettings, member: Member, environment: Mapping[str, str], replica: int) -> Process:
    name = member.name if replica == 0 else f"{member.name}-{replica + 1}"
    port = settings.port(member.variable, member.port) + REPLICA_PORT_STEP * replica
    own = {member.variable: str(port), "ARREARS_INSTANCE": name}
    launch = Launch(name, _python(member), _log(settings, name), {**environment, **own})
    url = f"http://{LOOPBACK}:{port}"
    return Process(name, Group.SERVICE, lambda: launch, partial(probe_http, f"{url}/readyz"), port, url)


def _python(member: Member) -> tuple[str, ...]:
    return (sys.executable, "-m", *member.arguments)


def _log(settings: LocalSettings, name: str) -> Path:
    return settings.log_folder / f"{name}.log"
