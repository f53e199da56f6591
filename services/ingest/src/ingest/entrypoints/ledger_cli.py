"""`arrears ledger check`: the loan arithmetic on cases, without a system."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from ingest.adapters.ledger_cases import answered

DIFFERENT = 1
ledger = typer.Typer(help="The loan arithmetic.", no_args_is_help=True)
talk = Console(stderr=True, highlight=False)


@ledger.callback()
def _group() -> None:
    """The loan arithmetic."""


@ledger.command()
def check(cases: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]) -> None:
    """Answer each case of a JSON-lines file, and compare with what it expects."""
    different = compared = count = 0
    with cases.open("rb") as lines:
        for outcome in answered(lines):
            sys.stdout.buffer.write(msgspec.json.encode(outcome.line) + b"\n")
            count += 1
            compared += outcome.as_expected is not None
            if outcome.as_expected is False:
                different += 1
                talk.print(f"{outcome.line['case']}: not as expected", style="red")
    talk.print(f"{count} cases, {compared} compared, {different} different")
    if different:
        raise typer.Exit(DIFFERENT)
