"""An XES event log of road traffic fines as facts about loans (the schema of doi:10.4121/uuid:270fd440).

A case is a loan without interest: the fine falls due on the day it is created, expenses are a fee, a penalty names the
NEW total, so its difference is a fee, payments are repayments. Dates are the local ones written in the file. Facts keep
the file's order: many carry one and the same timestamp.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from lxml import etree

from arrears.events import corebanking as native
from arrears.events.registry import Event
from arrears.values.money import InvalidAmount, to_minor
from ingest.domain.refusals import FileUnreadable

SOURCE: Final = "road-traffic"
CURRENCY: Final = "EUR"


@dataclass(frozen=True, slots=True)
class Fact:
    """A native fact and the instant of its event in the log."""

    at: datetime
    event: Event


@dataclass(slots=True)
class Log:
    """What the file says about loans; `ignored` counts events by activity that say nothing about money."""

    facts: list[Fact] = field(default_factory=list)
    ignored: dict[str, int] = field(default_factory=dict)


def read(data: bytes) -> Log:
    """Return the facts of all cases in the file's order.

    Raises:
        FileUnreadable: no XML, no XES log, or an event without activity, time or a usable amount.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise FileUnreadable(f"no well-formed XML: {error}") from error
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise FileUnreadable("a document type declaration is not accepted")
    if etree.QName(root).localname != "log":
        raise FileUnreadable(f"the document is a {etree.QName(root).localname}, not an XES log")
    log = Log()
    for trace in _children(root, "trace"):
        _read_case(trace, log)
    return log


def _read_case(trace: Any, log: Log) -> None:
    case = _attributes(trace).get("concept:name", "")
    if not case:
        raise FileUnreadable("a trace has no concept:name")
    total = 0
    for number, event in enumerate(_children(trace, "event"), start=1):
        fields, where = _attributes(event), f"{case}, event {number}"
        try:
            at = datetime.fromisoformat(fields["time:timestamp"])
            activity = fields["concept:name"]
            found, total = _fact(case, number, activity, fields, at, total)
        except (KeyError, ValueError) as error:
            raise FileUnreadable(f"{where}: {error!r}") from error
        if found is None:
            log.ignored[activity] = log.ignored.get(activity, 0) + 1
        else:
            log.facts.append(Fact(at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC), found))


def _fact(
    case: str, number: int, activity: str, fields: dict[str, str], at: datetime, total: int
) -> tuple[Event | None, int]:
    """Return what the event says about money, if anything, and the fine's total after it."""
    match activity:
        case "Create Fine":
            amount = _minor(fields["amount"])
            return (_loan(case, amount, at) if amount else None), amount
        case "Send Fine":
            expense = _minor(fields.get("expense", "0"))
            return (_fee(case, number, "expense", expense, at) if expense else None), total
        case "Add penalty":
            new = _minor(fields["amount"])
            return (_fee(case, number, "penalty", new - total, at) if new > total else None), max(new, total)
        case "Payment":
            paid = _minor(fields["paymentAmount"])
            return (_payment(case, number, paid, at) if paid else None), total
        case _:
            return None, total


def _loan(case: str, amount: int, at: datetime) -> native.LoanBooked:
    return native.LoanBooked(
        loan_ref=case, customer_ref=case, product="road-traffic-fine", currency=CURRENCY, principal_minor=amount,
        disbursed_on=at.date(), instalments=(native.Instalment(no=1, due_on=at.date(), principal_minor=amount),),
        annual_rate="0", penalty_multiplier="1", payment_reference=case,
    )  # fmt: skip


def _fee(case: str, number: int, kind: str, amount: int, at: datetime) -> native.FeePosted:
    return native.FeePosted(
        loan_ref=case, customer_ref=case, fee_ref=f"{case}/{number}", kind=kind, amount_minor=amount,
        currency=CURRENCY, charged_on=at.date(), contract_clause="road traffic code",
    )  # fmt: skip


def _payment(case: str, number: int, amount: int, at: datetime) -> native.RepaymentPosted:
    return native.RepaymentPosted(
        loan_ref=case, customer_ref=case, posting_ref=f"{case}/{number}", amount_minor=amount, currency=CURRENCY,
        value_on=at.date(),
    )  # fmt: skip


def _minor(text: str) -> int:
    minor = to_minor(text, CURRENCY)
    if minor < 0:
        raise InvalidAmount(f"{text} is below zero")
    return minor


def _children(node: Any, name: str) -> Iterator[Any]:
    return (child for child in node if etree.QName(child).localname == name)


def _attributes(node: Any) -> dict[str, str]:
    return {child.get("key"): child.get("value") for child in node if child.get("key") and child.get("value")}
