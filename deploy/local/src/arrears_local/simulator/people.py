"""Collectors and lawyers of the simulation: they work through the services' HTTP doors as people would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from arrears_local.doors import Doors, Refused
from arrears_local.simulator.bank import ids
from arrears_local.simulator.behaviour import LoanBook, answers_the_phone, promises

Books = Mapping[str, LoanBook]


@dataclass(slots=True)
class Tally:
    """What the people did."""

    calls: int = 0
    blocked: int = 0
    promises: int = 0
    approvals: int = 0


async def work_call_list(doors: Doors, seed: int, books: Books, on: date, tally: Tally) -> None:
    """Ask permission for each call on the list, call, record what came of it, and take promises."""
    page = await doors.get("outreach", "/v1/call-list", limit="100")
    for row in sorted(page["items"], key=lambda item: str(item["debtor_id"])):
        await _call(doors, seed, books, on, row, tally)


async def _call(doors: Doors, seed: int, books: Books, on: date, row: Mapping[str, Any], tally: Tally) -> None:
    key = f"{row['case_id']}|{row['step_no']}|{on}"
    request = {
        "debtor_id": row["debtor_id"],
        "channel": "voice",
        "step_no": row["step_no"],
        "template_id": row["template_id"],
    }
    decision = await doors.post("outreach", "/v1/contacts", request, key=f"contact|{key}")
    if not decision["permitted"]:
        tally.blocked += 1
        return
    book = next(books[loan] for loan in sorted(row["loan_ids"]) if loan in books)
    reached = answers_the_phone(seed, book, on)
    promised_for = promises(seed, book, on) if reached else None
    outcome = {
        "debtor_id": row["debtor_id"],
        "disposition": ("RPC_PTP" if promised_for else "RPC_CALLBACK") if reached else "NO_ANSWER",
        "party": "debtor" if reached else "none",
        "duration_seconds": 95 if reached else 0,
    }
    attempt = decision["attempt_id"]
    await doors.post("outreach", f"/v1/contacts/{attempt}/outcome", outcome, key=f"outcome|{key}")
    tally.calls += 1
    for loan in sorted(row["loan_ids"]) if promised_for else ():
        if loan in books and books[loan].due_minor(on) > 0 and books[loan].promised_for is None:
            await _take_promise(doors, row, loan, books[loan], promised_for or on, attempt, on, tally)


async def _take_promise(
    doors: Doors,
    row: Mapping[str, Any],
    loan_id: str,
    book: LoanBook,
    due_on: date,
    attempt: str,
    on: date,
    tally: Tally,
) -> None:
    body = {
        "debtor_id": row["debtor_id"],
        "loan_id": loan_id,
        "attempt_id": attempt,
        "parts": [{"due_on": due_on.isoformat(), "amount_minor": book.due_minor(on)}],
    }
    try:
        await doors.post("outreach", "/v1/promises", body, key=f"promise|{loan_id}|{on}")
    except Refused as refused:
        if refused.status != 409:
            raise
        return  # a rule said no (a promise is open already); the debtor's words change nothing
    book.promised_for = due_on
    tally.promises += 1


async def call_once_more(doors: Doors, books: Books, on: date, tally: Tally) -> None:
    """A collector in a hurry tries three overdue debtors when the evening's hours are over; the gate says no."""
    overdue = [book.loan for book in books.values() if book.oldest_due_on(on) and book.due_minor(on)]
    for loan in sorted(overdue, key=lambda one: one.ref)[:3]:
        request = {"debtor_id": ids(loan)[0], "channel": "voice"}
        decision = await doors.post("outreach", "/v1/contacts", request, key=f"late|{loan.ref}|{on}")
        tally.blocked += not decision["permitted"]


async def decide_proposals(lawyers: tuple[Doors, Doors], books: Books, on: date, tally: Tally) -> None:
    """Two lawyers grant each open proposal; the debtors hear of it."""
    page = await lawyers[0].get("legal", "/v1/proposals", status="open", limit="100")
    for proposal in sorted(page["items"], key=lambda item: str(item["case_id"])):
        for number, lawyer in enumerate(lawyers):
            path = f"/v1/proposals/{proposal['approval_id']}/approvals"
            await lawyer.post("legal", path, {}, key=f"approve|{proposal['approval_id']}|{number}")
            tally.approvals += 1
        for loan in proposal["loan_ids"]:
            if loan in books:
                books[loan].escalated_on = on
