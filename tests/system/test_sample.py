"""The sample portfolio of `make run`: it fills every bucket, walks every path, and a second run changes nothing."""

from __future__ import annotations

import asyncio
import sys
from datetime import date, time, timedelta

from tests.system.running import System

from arrears_local.sample.loans import LOANS, last_business_day, sample_loans
from arrears_local.simulator.bank import ids

SIX_WEEKS = timedelta(days=42)  # the sample closes the days of the last four


async def test_the_sample_is_loaded_once(system: System) -> None:
    today = await system.next_monday() + SIX_WEEKS
    await system.move_clock(today, time(11))
    first = await _load(system)
    await system.quiet()
    assert f"{LOANS} loans" in first
    samples, last_day = sample_loans(today), last_business_day(today)
    loans = [await system.loan(ids(sample.loan)[1], last_day) for sample in samples]
    assert [loan["days_past_due"] for loan in loans] == [sample.days_past_due for sample in samples]
    assert {loan["bucket"] for loan in loans} == {"M0", "M1", "M2", "M3", "M4", "M5", "M6", "M7P"}
    await _paths(system, today)

    before = await system.heads()
    again = await _load(system)
    await system.quiet()
    assert "loaded already" in again
    assert await system.heads() == before


async def _paths(system: System, today: date) -> None:
    """Somebody promised and kept it, somebody went the legal way, and one came back from there."""
    seen: set[str] = set()
    for debtor_id in {ids(sample.loan)[0] for sample in sample_loans(today) if sample.days_past_due}:
        seen |= {line.name for line in (await system.story(debtor_id)).lines}
    assert seen >= {
        "LoanOverdue", "DelinquencyBucketChanged", "CaseOpened", "ContactPermitted", "PromiseMade", "PromiseKept",
        "TreatmentExhausted", "EscalationProposed", "EscalatedToLegal", "LegalCaseClosed", "LoanCured", "CaseClosed",
    }  # fmt: skip


async def _load(system: System) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "arrears_local.sample", env={**system.environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    print(out.decode())
    return out.decode()
