"""`arrears lag`, `dlq`, `timeline`, `projection rebuild`: look after a running system."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Coroutine
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from arrears.rebuild import rebuild
from arrears.runtime import ServiceDefinition
from arrears.service import runtime
from arrears.settings import PORTS, Settings
from arrears_local.cli.output import FAILED, INTEGRITY_VIOLATION, NOT_FOUND, AsJson, data, end_with, print_json, talk
from arrears_local.doors import open_doors
from arrears_local.refusals import LocalRefusal

SERVICES = tuple(PORTS)
T = TypeVar("T")
lag = typer.Typer()
timeline = typer.Typer()
dlq = typer.Typer(help="Parked records: what could not be applied, and what waits behind it.", no_args_is_help=True)
projection = typer.Typer(help="Read models.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="ingest, scoring, outreach, legal, audit or console")]
OneService = Annotated[str | None, typer.Option("--service", help="only this service")]


def definition_of(service: str) -> ServiceDefinition:
    """Return a service's definition. Exits with 3 for a name that is none."""
    if service not in SERVICES:
        talk.print(f"no service is called {service}; services are {', '.join(SERVICES)}")
        raise typer.Exit(NOT_FOUND)
    found: ServiceDefinition = getattr(importlib.import_module(f"{service}.entrypoints.definition"), service.upper())
    return found


@lag.command()
def show_lag(as_json: AsJson = False) -> None:
    """Show how far each service is behind; 0 everywhere means that nothing is left to do."""

    async def ask() -> list[dict[str, Any]]:
        async with open_doors("cli") as doors:
            return [await doors.get(service, "/v1/lag") for service in SERVICES]

    found = _run(ask())
    if as_json:
        return print_json(found)
    table = Table("service", "log", "topics behind", "followers behind", "due", "parked", "total")
    for one in found:
        topics, followers = sum(one["topics"].values()), sum(one["followers"].values())
        table.add_row(
            one["service"], f"{one['head']:,}", f"{topics:,}", f"{followers:,}", f"{one['due_instants']:,}",
            f"{one['parked']:,}", f"{one['total']:,}",
        )  # fmt: skip
    data.print(table)
    return None


@timeline.command()
def show_timeline(
    loan: Annotated[str | None, typer.Option("--loan", help="loan id")] = None,
    debtor: Annotated[str | None, typer.Option("--debtor", help="debtor id")] = None,
    language: Annotated[str, typer.Option("--lang", help="en or zh")] = "en",
    as_json: AsJson = False,
) -> None:
    """Print the events of a loan or a debtor from all services, in order."""
    if (loan is None) == (debtor is None):
        raise typer.BadParameter("give either --loan or --debtor")
    query = {"loan_id": loan} if loan else {"debtor_id": str(debtor)}

    async def ask() -> dict[str, Any]:
        async with open_doors("cli") as doors:
            found: dict[str, Any] = await doors.get("console", "/v1/timeline", **query)
            return found

    events = _run(ask())["events"]
    if not events:
        talk.print("no events: check the id, or wait until the console has caught up (`arrears lag`)")
        raise typer.Exit(NOT_FOUND)
    if as_json:
        return print_json(events)
    table = Table("when (UTC)", "service", "event", "what", "id")
    for one in events:
        when = str(one["occurred_at"])[:19].replace("T", " ")
        table.add_row(
            when, one["source"], one["type"], one["line"]["zh" if language == "zh" else "en"], one["event_id"]
        )
    data.print(table)
    return None


@dlq.command("list")
def list_parked(service: OneService = None, as_json: AsJson = False) -> None:
    """List parked records with their reason."""

    async def ask() -> list[dict[str, Any]]:
        async with open_doors("cli") as doors:
            return [
                {"service": name, **record}
                for name in ((service,) if service else SERVICES)
                for record in (await doors.get(name, "/v1/dlq"))["parked"]
            ]

    found = _run(ask())
    if as_json:
        return print_json(found)
    if not found:
        talk.print("nothing is parked")
        return None
    table = Table("service", "topic", "partition", "offset", "key", "reason", "error", "tries")
    for one in found:
        table.add_row(
            one["service"], one["topic"], str(one["part"]), str(one["offset"]), one["key"], one["reason"],
            one["error"].strip().splitlines()[-1][:80] if one["error"] else "", str(one["attempts"]),
        )  # fmt: skip
    data.print(table)
    return None


@dlq.command("show")
def show_parked(service: Service, topic: str, partition: int, offset: int, as_json: AsJson = False) -> None:
    """Show one parked record whole: headers, value, and why it was parked."""

    async def ask() -> dict[str, Any]:
        async with open_doors("cli") as doors:
            found: dict[str, Any] = await doors.get(service, f"/v1/dlq/{topic}/{partition}/{offset}")
            return found

    record = _run(ask())
    if as_json:
        return print_json(record)
    for name, value in record.items():
        data.print(f"[bold]{name}[/bold]:", end=" ")
        data.print(str(value), markup=False)
    return None


@dlq.command("redrive")
def redrive_parked(
    service: Service,
    topic: Annotated[str | None, typer.Option("--topic", help="only this topic")] = None,
    key: Annotated[str | None, typer.Option("--key", help="only this key")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do it; without it only say what would be redriven")] = False,
    as_json: AsJson = False,
) -> None:
    """Apply parked records again, key by key and in order; what still fails stays parked."""

    async def ask() -> list[dict[str, Any]]:
        async with open_doors("cli") as doors:
            if yes:
                answer = await doors.post(service, "/v1/dlq/redrive", {"topic": topic, "key": key})
                return list(answer["keys"])
            held = (await doors.get(service, "/v1/dlq"))["parked"]
            return [r for r in held if topic in (None, r["topic"]) and key in (None, r["key"])]

    found = _run(ask())
    if as_json:
        print_json(found)
    elif not yes:
        talk.print(f"{len(found)} records would be redriven; say --yes to do it")
    else:
        for one in found:
            data.print(
                f"{one['topic']} {one['key']}: {one['applied']} applied, {one['left']} left {one['error']}",
                markup=False,
            )
    if yes and any(one["left"] for one in found):
        raise typer.Exit(FAILED)


@projection.callback()
def _projection_group() -> None:
    """Read models."""  # with a callback, one command is still called by its name


@projection.command("rebuild")
def rebuild_projection(
    service: Service,
    name: str,
    swap: Annotated[bool, typer.Option(help="make the new generation the live one")] = True,
    as_json: AsJson = False,
) -> None:
    """Build a read model anew from the whole log beside the live one, compare both row by row, and swap."""
    definition = definition_of(service)
    settings = Settings.read(service, os.environ)

    async def work(progress: Progress) -> Any:
        task = progress.add_task(f"{service}.{name}", total=None)
        async with runtime(definition, settings) as bound:
            return await rebuild(
                bound, name, lambda done, total: progress.update(task, completed=done, total=total), swap=swap
            )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=talk, disable=not talk.is_terminal) as progress:
            done = _run(work(progress))
    except LookupError as error:
        talk.print(str(error), markup=False)
        raise typer.Exit(NOT_FOUND) from error
    if as_json:
        print_json({**asdict(done), "equal": done.equal})
    else:
        verdict = "equal to the live one" if done.equal else "DIFFERENT from the live one"
        data.print(
            f"{service}.{name}: {done.events:,} events, {done.new_rows:,} rows, {verdict}; generation {done.new_gen}"
        )
    if not done.equal:
        raise typer.Exit(INTEGRITY_VIOLATION)


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except LocalRefusal as refusal:
        end_with(refusal)
