"""Data goes to standard output, talk to standard error; a refusal becomes an exit code (architecture §7)."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console

from arrears_local.refusals import LocalRefusal

talk = Console(stderr=True, highlight=False)
data = Console(highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print data as JSON on standard output.")]

OK, FAILED, USAGE, NOT_FOUND, INTEGRITY_VIOLATION, REFUSED_BY_COMPLIANCE, DEPENDENCY_DOWN = range(7)


def print_json(value: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
    sys.stdout.flush()


def end_with(refusal: LocalRefusal) -> NoReturn:
    """Say what is wrong and what to do, then leave with the refusal's code."""
    talk.print(f"[red]✗[/red] {refusal.message}", markup=True, soft_wrap=True)
    if refusal.remedy:
        talk.print(f"  → {refusal.remedy}", markup=False, soft_wrap=True)
    raise typer.Exit(refusal.exit_code)
