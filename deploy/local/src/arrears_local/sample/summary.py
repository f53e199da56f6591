"""What the sample amounts to, as a table: loans and money by bucket, cases, promises, the legal way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any

from rich.console import Console
from rich.table import Table

from arrears.values.money import to_major
from arrears_local.doors import Doors, Refused, open_doors
from arrears_local.sample.loans import last_business_day, sample_loans
from arrears_local.simulator.bank import CURRENCY, ids


async def summary(environ: Mapping[str, str], today: date) -> Table:
    """Return the table for the morning of `today`. Raises Refused or DependencyDown."""
    async with open_doors("simulator", environ) as doors:
        addresses = [ids(sample.loan) for sample in sample_loans(today)]
        loans = await asyncio.gather(*(_loan(doors, loan_id, last_business_day(today)) for _, loan_id in addresses))
        cases = await asyncio.gather(*(_case(doors, debtor_id) for debtor_id in dict(addresses)))
        proposals = {
            status: len((await doors.get("legal", "/v1/proposals", status=status, limit="100"))["items"])
            for status in ("open", "granted")
        }
        waiting = len((await doors.get("outreach", "/v1/call-list", limit="100"))["items"])
    table = Table("bucket", "loans", "due (CNY)", "payoff (CNY)", title=f"Sample portfolio, morning of {today}")
    for bucket in sorted({loan["bucket"] for loan in loans}):
        of_bucket = [loan for loan in loans if loan["bucket"] == bucket]
        table.add_row(bucket, str(len(of_bucket)), _sum(of_bucket, "due_minor"), _sum(of_bucket, "payoff_minor"))
    table.add_row("all", str(len(loans)), _sum(loans, "due_minor"), _sum(loans, "payoff_minor"))
    states = [case["status"] for case in cases if case]
    table.caption_justify = "left"
    table.caption = "\n".join(
        (
            f"cases: {states.count('open')} open, {states.count('held')} held, {states.count('closed')} closed",
            f"promises: {sum(len(case['promises']) for case in cases if case)}, calls waiting: {waiting}",
            f"legal way: {proposals['granted']} approved, {proposals['open']} proposed",
        )
    )
    return table


def as_text(table: Table) -> str:
    """Return the table as lines of text."""
    console = Console(width=100)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()


async def _loan(doors: Doors, loan_id: str, as_of: date) -> dict[str, Any]:
    found: dict[str, Any] = await doors.get("ingest", f"/v1/loans/{loan_id}", as_of=as_of.isoformat())
    return found


async def _case(doors: Doors, debtor_id: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = await doors.get("outreach", f"/v1/debtors/{debtor_id}/case")
    except Refused as refused:
        if refused.status == 404:  # never overdue
            return None
        raise
    return found


def _sum(loans: list[dict[str, Any]], field: str) -> str:
    return f"{to_major(sum(loan[field] for loan in loans), CURRENCY):,}"
