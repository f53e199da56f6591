"""A hundred real cases of a public event log as loans: what they owe, and who becomes overdue, is what the log says."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from lxml import etree
from tests.system.running import System

from arrears.values import identity
from arrears.values.money import to_minor


async def test_the_balances_of_a_hundred_real_cases_are_those_of_the_log(system: System, shared_folder: Path) -> None:
    folder = shared_folder / "real" / "roadtraffic"
    facts = json.loads((folder / "FACTS.json").read_text("utf-8"))["roadtraffic100traces.xes"]
    log = folder / "roadtraffic100traces.xes"
    (imported,) = await system.json_of("import", str(log))
    await system.quiet()
    assert imported["entries"] == facts["events"]
    assert imported["unmatched"] == imported["repeated"] == 0

    loans = await loans_of(system, cases_of(log.read_bytes()))
    balances = [balance_of(loan) for loan in loans]
    expected = Decimal(facts["final_amount_sum"]) + Decimal(facts["expense_sum"]) - Decimal(facts["paid_sum"])
    assert sum(balances) == to_minor(expected, "EUR")
    assert Counter(balances)[0] == facts["cases_balance_zero"] == 39
    assert sum(one > 0 for one in balances) == facts["cases_owing"] == 61
    assert sum(one < 0 for one in balances) == facts["cases_overpaid"] == 0
    await _fall_overdue(system, loans)

    heads = await system.heads()
    (again,) = await system.json_of("import", str(log))
    assert again["imported_before"]
    assert await system.heads() == heads


async def _fall_overdue(system: System, loans: Sequence[dict[str, Any]]) -> None:
    """At the next close every case with an unpaid fine is overdue; one that owes nothing but a later penalty is not."""
    unpaid = [loan for loan in loans if loan["due"]["principal_minor"]]
    assert {balance_of(loan) - loan["due"]["fee_minor"] for loan in loans if loan not in unpaid} == {0}
    await system.close_day(await system.next_monday())
    overdue = await system.overdue_loans()
    assert [loan for loan in loans if loan["loan_id"] in overdue] == unpaid


def cases_of(log: bytes) -> list[str]:
    """Return the names of a log's cases, by a plain XML reader."""
    root = etree.fromstring(log)
    return [
        next(one.get("value", "") for one in trace if one.get("key") == "concept:name")
        for trace in root
        if etree.QName(trace).localname == "trace"
    ]


async def loans_of(system: System, cases: Sequence[str]) -> list[dict[str, Any]]:
    """Return the loan of each case as ingest has it."""
    ids = [identity.loan_id("default", "road-traffic", case) for case in cases]
    return list(await asyncio.gather(*(system.doors.get("ingest", f"/v1/loans/{one}") for one in ids)))


def balance_of(loan: dict[str, Any]) -> int:
    """Return what a loan owes, in minor units; below zero is what was paid too much."""
    balance: int = loan["payoff_minor"] - loan["overpaid_minor"]
    return balance
