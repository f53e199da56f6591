"""`arrears import` and `arrears day close`: the HTTP doors of ingest from a terminal."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import msgspec
import typer
from rich.console import Console
from rich.table import Table

from arrears.auth.discovery import ProviderUnavailable
from arrears.auth.service_tokens import ServiceTokens
from arrears.settings import PORTS

FAILED, NOT_FOUND, DEPENDENCY_DOWN = 1, 3, 6
_FORMATS: Final = {".xml": "camt", ".xes": "xes", ".jsonl": "jsonl", ".csv": "portfolio-csv", ".bin": "fineract"}

import_files = typer.Typer(help="Import bank files, event logs or core banking's facts.")
day = typer.Typer(help="The business calendar.", no_args_is_help=True)
talk = Console(stderr=True, highlight=False)
AsJson = Annotated[bool, typer.Option("--json", help="Print data as JSON on standard output.")]


@day.callback()
def _group() -> None:
    """The business calendar."""


@import_files.command()
def import_(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True)],
    format_name: Annotated[
        str,
        typer.Option(
            "--format", help="camt, portfolio-csv, jsonl, xes, traffic-csv or fineract; by default by the file's suffix"
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Send each file to ingest; a file that was imported before changes nothing."""

    async def send(http: httpx.AsyncClient) -> list[dict[str, Any]]:
        answers = []
        for path in files:
            data = path.read_bytes()
            chosen = format_name or _FORMATS.get(path.suffix.lower(), "camt")
            # A key for this run only: ingest knows a file again by its bytes, and says so; a stored answer would not.
            key = f"import-{hashlib.sha256(data).hexdigest()}-{os.urandom(4).hex()}"
            answer = await http.post(
                "/v1/files", params={"format": chosen}, content=data, headers={"Idempotency-Key": key}
            )
            answers.append({"file": path.name, **_taken(answer, path.name)})
        return answers

    answers = _run(send)
    if as_json:
        typer.echo(msgspec.json.encode(answers))
        return
    table = Table("file", "entries", "applied", "repeated", "unmatched", "ignored", "imported before")
    for one in answers:
        counts = (str(one[name]) for name in ("entries", "applied", "repeated", "unmatched", "ignored"))
        table.add_row(one["file"], *counts, "yes" if one["imported_before"] else "no")
        for line in one["left_out"]:
            talk.print(f"  {one['file']}: {line}", markup=False)
        for line in one["rejected"]:
            talk.print(f"  {one['file']}: rejected: {line}", markup=False, style="red")
    Console(highlight=False).print(table)


@day.command()
def close(
    on: Annotated[datetime, typer.Argument(metavar="DATE", formats=["%Y-%m-%d"])], as_json: AsJson = False
) -> None:
    """Close a business day: loans age, then every service acts on it. May be repeated after an interruption."""

    async def send(http: httpx.AsyncClient) -> dict[str, Any]:
        date = on.date().isoformat()
        answer = await http.post(
            "/v1/business-days", json={"date": date}, headers={"Idempotency-Key": f"close-{date}-{os.urandom(4).hex()}"}
        )
        return _taken(answer, date)

    answer = _run(send)
    if as_json:
        typer.echo(msgspec.json.encode(answer))
        return
    if answer["closed_before"]:
        typer.echo(f"{answer['date']} was closed already")
    else:
        typer.echo(
            f"{answer['date']} closed in {answer['closed_partitions']} partitions: {answer['loans_aged']} loans aged, "
            f"{answer['events']} events"
        )
    for loan in answer["loans_left"]:
        talk.print(f"{loan} could not be aged and waits", markup=False)


def _run(call: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:
    async def connected() -> Any:
        port = os.environ.get("ARREARS_INGEST_PORT", str(PORTS["ingest"]))
        issuer = os.environ.get("ARREARS_OIDC_ISSUER", "http://127.0.0.1:8200")
        secret = os.environ.get("ARREARS_CLIENT_SECRET", "cli-development-secret")
        async with httpx.AsyncClient(timeout=600, trust_env=False) as plain:
            tokens = ServiceTokens(issuer, "cli", secret, plain)
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", auth=tokens, timeout=600, trust_env=False
            ) as http:
                return await call(http)

    try:
        return asyncio.run(connected())
    except (httpx.HTTPError, ProviderUnavailable) as error:
        talk.print(f"ingest does not answer: {error!r}; start it with `arrears up`", markup=False)
        raise typer.Exit(DEPENDENCY_DOWN) from error


def _taken(answer: httpx.Response, what: str) -> dict[str, Any]:
    if answer.status_code < 400:
        body: dict[str, Any] = answer.json()
        return body
    is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    detail = answer.json().get("detail", "") if is_problem else answer.text[:200]
    talk.print(f"{what}: {detail} ({answer.status_code})", markup=False)
    raise typer.Exit(NOT_FOUND if answer.status_code == 404 else FAILED)
