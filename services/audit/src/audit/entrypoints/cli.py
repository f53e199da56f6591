"""`arrears audit verify`: check every log from its first event. Exit code 4 when one does not hold."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Annotated, Any, Final

import asyncpg
import msgspec
import typer
from rich.console import Console
from rich.table import Table

from arrears.settings import Settings
from arrears.tree.keys import public_keys
from audit.adapters.full_check import LogReport, Progress, check_log
from audit.projections.copy import SERVICES

INTEGRITY_VIOLATION: Final = 4
DEPENDENCY_DOWN: Final = 6

app = typer.Typer(help="Check that the past has not been changed.", no_args_is_help=True)
talk = Console(stderr=True, highlight=False)


@app.callback()
def _group() -> None:
    """Check that the past has not been changed."""


@app.command()
def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print data as JSON on standard output.")] = False,
    copy_only: Annotated[bool, typer.Option(help="Do not look into the services' own databases.")] = False,
) -> None:
    """Hash every copied event anew, compare with the signed heads and, leaf by leaf, with the services' own logs."""
    try:
        reports = asyncio.run(verify_logs(os.environ, copy_only=copy_only))
    except (OSError, asyncpg.PostgresError) as error:
        talk.print(f"audit's database does not answer: {error}; start it with `arrears up`")
        raise typer.Exit(DEPENDENCY_DOWN) from error
    if as_json:
        typer.echo(msgspec.json.encode({"logs": reports}))
    else:
        Console(highlight=False).print(_table(reports))
        for report in reports:
            for one in report.violations:
                typer.echo(f"{report.service}/{one.position} {one.stream_key}: {one.kind}, {one.detail}")
    if any(report.status == "violated" for report in reports):
        raise typer.Exit(INTEGRITY_VIOLATION)


async def verify_logs(environ: Mapping[str, str], *, copy_only: bool) -> list[LogReport]:
    """Check every log from its first event. Raises OSError or PostgresError when audit's database is away."""
    settings = Settings.read("audit", environ)
    keys = public_keys(settings.home, environ.get("ARREARS_PUBLIC_KEYS", ""))
    audit = await asyncpg.connect(settings.database_url, timeout=10)
    reports = []
    try:
        for service in SERVICES:
            publisher = None if copy_only else await _publisher(service, environ)
            try:
                reports.append(await check_log(service, audit, publisher, keys, _progress()))
            finally:
                if publisher is not None:
                    await publisher.close()
    finally:
        await audit.close()
    return reports


async def _publisher(service: str, environ: Mapping[str, str]) -> Any:
    """Return a connection to a service's database, None when it cannot be reached: the heads still prove its log."""
    try:
        return await asyncpg.connect(Settings.read(service, environ).database_url, timeout=5)
    except (OSError, asyncpg.PostgresError) as error:
        talk.print(f"{service}: its own database is not compared ({error})")
        return None


def _progress() -> Progress:
    shown = 0

    def show(service: str, events: int) -> None:
        nonlocal shown
        if events - shown >= 100_000:
            shown = events
            talk.print(f"{service}: {events:,} events")

    return show


def _table(reports: list[LogReport]) -> Table:
    table = Table("log", "status", "events", "heads", "signed up to", "compared", "root")
    for one in reports:
        compared = "not reached" if one.compared is None else f"{one.compared:,}"
        table.add_row(
            one.service, one.status, f"{one.events:,}", f"{one.heads:,}", f"{one.signed_size:,}", compared, one.root[:16]
        )  # fmt: skip
    return table
