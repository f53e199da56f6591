"""`arrears bench NAME` and `arrears bench list`."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from arrears_bench import append, log_growth, pipeline, replay
from arrears_bench.parts import Parts, parts
from arrears_bench.report import Report

BENCHMARKS: Final[dict[str, Callable[[Parts], Awaitable[Report]]]] = {
    "pipeline": pipeline.run,
    "append": append.run,
    "replay": replay.run,
    "log-growth": log_growth.run,
}

app = typer.Typer(help="Measure Arrears against a raw and a plain way of doing the same, in one run.")
talk = Console(stderr=True, highlight=False)


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="a benchmark, `list`, or `all`")] = "list",
    as_json: Annotated[bool, typer.Option("--json", help="Print data as JSON on standard output.")] = False,
) -> None:
    """Run a benchmark on real parts of its own and print figures, ratios, and what limits them."""
    if name == "list":
        typer.echo(msgspec.json.encode(list(BENCHMARKS)).decode() if as_json else "\n".join(BENCHMARKS))
        return
    if name != "all" and name not in BENCHMARKS:
        talk.print(f"no benchmark is called {name}; there are: {', '.join(BENCHMARKS)}")
        raise typer.Exit(3)
    for chosen in BENCHMARKS if name == "all" else (name,):
        talk.print(f"{chosen}: running on a private PostgreSQL and Kafka")
        with parts() as started:
            report = uvloop.run(_run(chosen, started))
        if as_json:
            typer.echo(msgspec.json.encode(report).decode())
        else:
            _print(report)


async def _run(name: str, started: Parts) -> Report:
    gc.set_threshold(2_000_000, 10, 10)  # as arrears.service does
    return await BENCHMARKS[name](started)


def _print(report: Report) -> None:
    table = Table("figure", "value", title=report.name)
    for name, value in report.figures.items():
        table.add_row(name, f"{value:,}")
    for name, value in report.ratios.items():
        table.add_row(f"ratio to {name}", f"{value:,}")
    console = Console(highlight=False)
    console.print(table)
    console.print(f"limited by: {report.limited_by}", soft_wrap=True)
