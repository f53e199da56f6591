"""Run a service: `python -m <service> serve [--roles …]`, `migrate`, `migrate --check`.

A process takes the roles api, consumer, relay and timers, or some of them; all replicas are equal. A role that ends by
an error it cannot wait out ends the process, and whoever supervises it starts it again.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import httpx
import structlog
import uvicorn
import uvloop

from arrears import failpoints
from arrears.auth.enforcement import bearer
from arrears.auth.keys import ProviderKeys
from arrears.auth.service_tokens import ServiceTokens
from arrears.auth.tokens import TokenVerifier
from arrears.clock import clock_from_settings
from arrears.database import Database
from arrears.followers import Follower, ProjectionFollower
from arrears.housekeeping import keep_tidy
from arrears.http.app import create_app
from arrears.http.operations import operations_router
from arrears.kafka.consumer import Consumer
from arrears.kafka.relay import Relay
from arrears.projections import ensure_live
from arrears.reactions import ReactionFollower
from arrears.runtime import Runtime, ServiceDefinition
from arrears.settings import ROLES, InvalidSetting, Settings
from arrears.telemetry import setup_telemetry
from arrears.timers import Timers
from arrears.tree.sealer import SEALER, head_publisher, sealer

_log = structlog.get_logger()
# With all roles in one process a follower is told of every append; otherwise it must look by itself.
_IDLE_TOLD, _IDLE_ALONE = 0.5, 0.02

Role = Callable[[], Awaitable[None]]


def main(definition: ServiceDefinition, arguments: Sequence[str] | None = None) -> int:
    """Entrypoint of `python -m <service>`; returns the exit code."""
    parser = argparse.ArgumentParser(prog=definition.name)
    steps = parser.add_subparsers(dest="step", required=True)
    serve_parser = steps.add_parser("serve", help="run the service")
    serve_parser.add_argument("--roles", default=",".join(ROLES), help="comma-separated: " + ", ".join(ROLES))
    migrate_parser = steps.add_parser("migrate", help="bring the database to the newest version")
    migrate_parser.add_argument("--check", action="store_true", help="only say which versions are missing")
    chosen = parser.parse_args(arguments)
    try:
        settings = Settings.read(definition.name, os.environ)
    except InvalidSetting as error:
        print(error, file=sys.stderr)
        return 2
    if chosen.step == "migrate":
        return _migrate(settings, check=chosen.check)
    try:
        failpoints.arm(definition.name, os.environ)
    except (failpoints.NotInProduction, failpoints.UnknownFailpoint) as error:
        print(error, file=sys.stderr)
        return 2
    roles = tuple(chosen.roles.split(","))
    if unknown := set(roles) - set(ROLES):
        parser.error(f"unknown roles: {', '.join(sorted(unknown))}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(definition, settings, roles))


def _migrate(settings: Settings, *, check: bool) -> int:
    from arrears import migrations  # alembic would be a third of every start, and only this step needs it

    if not check:
        migrations.run(settings.service, settings.database_url)
        return 0
    missing = asyncio.run(migrations.pending(settings.service, settings.database_url))
    print("\n".join(missing) if missing else "up to date", file=sys.stderr)
    return 1 if missing else 0


@asynccontextmanager
async def runtime(definition: ServiceDefinition, settings: Settings) -> AsyncIterator[Runtime]:
    """Yield the service bound to its surroundings, with its read models in place."""
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url)
        stack.push_async_callback(database.close)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=10, trust_env=False))
        clock = await stack.enter_async_context(
            clock_from_settings(settings.clock, settings.clock_url, settings.environment, settings.service)
        )
        secret = os.environ.get("ARREARS_CLIENT_SECRET", f"{settings.service}-development-secret")
        tokens = ServiceTokens(settings.issuer, settings.service, secret, http)
        bound = Runtime(definition, settings, database, clock, http, tokens)
        stack.push_async_callback(bound.commands.close)
        await ensure_live(database, definition.projections)
        yield bound


def application(bound: Runtime) -> Any:
    """Return the service's FastAPI application."""
    verifier = TokenVerifier(ProviderKeys(bound.settings.issuer, bound.http))
    options = {"authenticate": bearer(verifier), **bound.definition.app_options}
    app = create_app(
        bound.service,
        bound.definition.title,
        routers=[*bound.definition.routers(bound), operations_router(bound)],
        readiness={"database": _database_check(bound)},
        statuses=bound.definition.statuses,
        **options,
    )
    app.state.runtime = bound
    return app


def roles_of(bound: Runtime, roles: Sequence[str]) -> dict[str, Role]:
    """Return the coroutines that the chosen roles consist of, by name."""
    definition, settings, store = bound.definition, bound.settings, bound.store
    idle = _IDLE_TOLD if {"api", "consumer", "timers"} <= set(roles) else _IDLE_ALONE
    found: dict[str, Role] = {}
    if "consumer" in roles:
        if definition.sources:
            owner = f"{socket.gethostname()}/{os.getpid()}"
            consumer = Consumer(
                bound.inbox, definition.day_rules, bound.clock, bound.appended, settings.kafka, owner,
                batch=settings.consumer_batch, instance=settings.instance,
            )  # fmt: skip
            found["consumer"] = consumer.run
        for number, task in enumerate(definition.extra_tasks(bound)):
            found[f"task-{number}"] = task
        if any(definition.name in p.follows for p in definition.projections):
            found["projections"] = ProjectionFollower(store, definition.projections, bound.appended, idle).run
    if "relay" in roles and definition.publishes:
        found["relay"] = Relay(store, settings.kafka, bound.clock, bound.appended, idle).run
        found["sealer"] = Follower(store, SEALER, sealer(settings, bound.clock), bound.appended, 1.0).run
        found["tree-heads"] = head_publisher(bound)
        for reaction in definition.reactions:
            found[f"reaction-{reaction.name}"] = ReactionFollower(reaction, bound, bound.appended, idle).run
    if "timers" in roles:
        found["housekeeping"] = partial(keep_tidy, bound.database)
    if "timers" in roles and definition.instant_rules:
        found["timers"] = Timers(store, bound.inbox, definition.instant_rules, bound.clock, bound.appended).run
    return found


async def _serve(definition: ServiceDefinition, settings: Settings, roles: Sequence[str]) -> int:
    setup_telemetry(settings.service, os.environ)
    # A batch allocates tens of thousands of objects that live for one transaction and form no cycles.
    gc.freeze()
    gc.set_threshold(2_000_000, 10, 10)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with runtime(definition, settings) as bound:
        tasks = [asyncio.create_task(_role(name, role), name=name) for name, role in roles_of(bound, roles).items()]
        server = _server(bound)
        tasks.append(asyncio.create_task(_role("api", server.serve), name="api"))
        stopping = asyncio.create_task(stop.wait())
        _log.info("started", service=settings.service, roles=",".join(roles), port=settings.port)
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        failed = [task for task in done if task is not stopping and not task.cancelled() and task.exception()]
        server.should_exit = True
        for task in tasks[:-1]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        stopping.cancel()
    return 1 if failed else 0


async def _role(name: str, role: Role) -> None:
    try:
        await role()
    except Exception:
        _log.exception("a role ended", role=name)
        raise


class _Server(uvicorn.Server):
    """Leaves the signals to the process: all roles stop together."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as error:  # it would end the loop under the other roles, whose connections then never close
            raise RuntimeError(f"the API cannot listen on port {self.config.port}") from error

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(bound: Runtime) -> uvicorn.Server:
    config = uvicorn.Config(
        application(bound), host="127.0.0.1" if bound.settings.environment == "development" else "0.0.0.0",
        port=bound.settings.port, log_config=None, access_log=False, loop="none", timeout_graceful_shutdown=5,
    )  # fmt: skip
    return _Server(config)


def _database_check(bound: Runtime) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        async with bound.database.connection() as connection:
            await connection.fetchval("SELECT 1")

    return check
