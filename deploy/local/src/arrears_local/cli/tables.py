"""How a status and a list of findings look on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from arrears_local.checks import Check
from arrears_local.status import SystemStatus

COLOURS = {"ready": "green", "failed": "red", "stopped": "dim"}


def status_table(status: SystemStatus) -> Table:
    table = Table("process", "state", "address", "ready after", "restarts", "pid")
    for process in status.processes:
        colour = COLOURS.get(process.state, "yellow")
        after = "" if process.ready_after_seconds is None else f"{process.ready_after_seconds:.1f} s"
        table.add_row(
            process.name,
            f"[{colour}]{process.state}[/{colour}]",
            process.url or f"127.0.0.1:{process.port}",
            after,
            str(process.restarts),
            str(process.pid or ""),
        )
    return table


def checks_table(found: Iterable[Check]) -> Table:
    table = Table("", "check", "finding", "what to do")
    for check in found:
        sign = "[green]✓[/green]" if check.ok else "[red]✗[/red]"
        table.add_row(sign, check.name, check.detail, "" if check.ok else check.remedy)
    return table
