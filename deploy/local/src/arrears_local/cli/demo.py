"""`arrears demo`: the main job, once, on a system of its own, with a summary."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from arrears_local.cli.output import INTEGRITY_VIOLATION, AsJson, data, end_with, print_json, talk
from arrears_local.demo import Demo, run_demo
from arrears_local.refusals import LocalRefusal
from arrears_local.settings import read_settings

app = typer.Typer()


@app.command()
def demo(
    loans: Annotated[int, typer.Option(min=1, help="loans in the portfolio")] = 500,
    days: Annotated[int, typer.Option(min=1, help="business days to live through")] = 120,
    seed: Annotated[int, typer.Option(help="the same seed gives the same facts")] = 7,
    keep: Annotated[bool, typer.Option("--keep", help="leave the demo's data and logs behind")] = False,
    as_json: AsJson = False,
) -> None:
    """Play a portfolio through overdue, contact, promise, escalation and cure, and check the guarantees G1 to G6."""
    home = read_settings(os.environ).home / f"demo-{os.getpid()}"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=talk, disable=not talk.is_terminal) as progress:
            task = progress.add_task("starting", total=days)

            def day_done(number: int, _total: int, on: date) -> None:
                progress.update(task, completed=number, description=f"business day {on}")
                if not talk.is_terminal and number % 20 == 0:
                    talk.print(f"business day {number} of {days} closed ({on})")

            found = _run(Demo(loans, days, seed), home, day_done)
    except LocalRefusal as refusal:
        end_with(refusal)
    finally:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)
    if as_json:
        print_json(found)
    else:
        _print(found)
    if not all(found["invariants"].values()) or any(found["lag"].values()):
        raise typer.Exit(INTEGRITY_VIOLATION)


def _run(wanted: Demo, home: Path, day_done: Any) -> dict[str, Any]:
    # A terminated demo must still stop what it started.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    return asyncio.run(run_demo(wanted, home, lambda text: talk.print(text, markup=False), day_done))


def _print(found: dict[str, Any]) -> None:
    table = Table("event", *found["events_by_service"], title=f"{found['events_total']:,} events")
    for name in sorted({name for by_type in found["events_by_service"].values() for name in by_type}):
        table.add_row(
            name, *(f"{by.get(name, 0) or '':,}" if by.get(name) else "" for by in found["events_by_service"].values())
        )
    data.print(table)
    verdicts = Table("guarantee", "holds", "evidence")
    for name, holds in found["invariants"].items():
        verdicts.add_row(name, "[green]yes[/green]" if holds else "[red]NO[/red]", found["evidence"][name])
    data.print(verdicts)
    data.print(
        f"{found['loans']} loans, {found['days']} business days, seed {found['seed']}: {found['seconds']} s, "
        f"{found['events_per_second']} events/s (days wait for each other), lag {sum(found['lag'].values())}, "
        f"parked {sum(found['parked'].values())}"
    )
