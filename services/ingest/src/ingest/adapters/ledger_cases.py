"""Ledger cases: one JSON object a line with terms, facts and questions; answered with the account's figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ingest.domain.account.course import account_at
from ingest.domain.account.facts import Fact
from ingest.domain.account.figures import figures
from ingest.domain.account.terms import Terms
from ingest.domain.account.validity import first_problem


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The close of a day, from what was known on a day (null: all)."""

    as_of: date
    known_on: date | None


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One case as its line has it."""

    case: Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]
    loan: Terms
    facts: tuple[Fact, ...]
    ask: Annotated[tuple[Question, ...], Meta(min_length=1)]
    note: str = ""
    expect: Any = msgspec.UNSET


class Outcome(msgspec.Struct, frozen=True):
    """The line to print, and whether it is what the case expects; None where it expects nothing."""

    line: dict[str, Any]
    as_expected: bool | None


_cases: Final = msgspec.json.Decoder(Case)


def answered(lines: Iterator[bytes] | Sequence[bytes]) -> Iterator[Outcome]:
    """Answer each line that is not blank, in order."""
    return (_answered(line) for line in lines if line.strip())


def _answered(line: bytes) -> Outcome:
    name, expected = _loosely(line)
    try:
        case = _cases.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found: dict[str, Any] = {"error": "SCHEMA"}
    else:
        found = _answers(case)
    if expected is msgspec.UNSET:
        return Outcome({"case": name, **found}, False if "error" in found else None)
    wanted = {"answers": expected} if isinstance(expected, list) else expected
    return Outcome({"case": name, **found}, found == wanted)


def _answers(case: Case) -> dict[str, Any]:
    if code := first_problem(case.loan, case.facts, [question.as_of for question in case.ask]):
        return {"error": code}
    accounts = [account_at(case.loan, case.facts, question.as_of, question.known_on) for question in case.ask]
    told = [None if account is None else figures(account) for account in accounts]
    answers = msgspec.json.decode(msgspec.json.encode(told))  # as a reader of the line will have them
    return {"answers": answers}


def _loosely(line: bytes) -> tuple[str | None, Any]:
    """Return the case's name and what it expects, even where the rest is no case."""
    try:
        fields = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, msgspec.UNSET
    if not isinstance(fields, dict):
        return None, msgspec.UNSET
    name = fields.get("case")
    return name if isinstance(name, str) else None, fields.get("expect", msgspec.UNSET)
