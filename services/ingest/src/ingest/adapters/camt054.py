"""Credit notifications of a bank (ISO 20022 camt.054, versions .02 to .10) as payments, and what is left out with why.

A payment is a booked, not reversed credit detail that is no return of our own money. It is known by account, entry and
the bank's own reference of the detail; never by the creditor reference, which one debtor may use many times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from lxml import etree

from arrears.values.money import InvalidAmount, to_minor
from ingest.domain.refusals import FileUnreadable

_NAMESPACE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.054\.001\.(0[2-9]|10)")
Node = Any  # lxml.etree._Element, which ships no types


@dataclass(frozen=True, slots=True)
class BankCredit:
    """One payment. `identity` is the bank's; `reference` what the payer quoted."""

    identity: tuple[str, ...]
    amount_minor: int
    currency: str
    value_on: date
    booked_on: date
    reference: str
    document: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """An entry or detail that is no payment, and why."""

    place: str
    reason: str


@dataclass(slots=True)
class Notification:
    """What a file holds."""

    credits: list[BankCredit] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)


def read(data: bytes) -> Notification:
    """Return the payments of a camt.054 file.

    Raises:
        FileUnreadable: no XML, a document type declaration (never needed, and dangerous), another message or version,
            or an entry without what every entry must have.
    """
    root = _parse(data)
    namespace = etree.QName(root).namespace or ""
    if not _NAMESPACE.fullmatch(namespace):
        raise FileUnreadable(f"the document is {namespace or 'without namespace'!r}, not camt.054.001.02 to .10")
    body = next(iter(root), None)
    if body is None or _name(body) != "BkToCstmrDbtCdtNtfctn":
        raise FileUnreadable("the document holds no BkToCstmrDbtCdtNtfctn")
    found = Notification()
    for note in _all(body, "Ntfctn"):
        account = _text(note, "Acct/Id/IBAN") or _text(note, "Acct/Id/Othr/Id")
        for number, entry in enumerate(_all(note, "Ntry"), start=1):
            _read_entry(entry, account, f"{_text(note, 'Id')}/{number}", found)
    return found


def _parse(data: bytes) -> Node:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise FileUnreadable(f"no well-formed XML: {error}") from error
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise FileUnreadable("a document type declaration is not accepted")
    return root


def _read_entry(entry: Node, account: str, place: str, found: Notification) -> None:
    status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
    reason = _entry_reason(entry, status)
    if reason:
        found.ignored.append(Ignored(place, reason))
        return
    own = _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef") or place
    booked_on = _date(entry, "BookgDt", place) or _date(entry, "ValDt", place)
    value_on = _date(entry, "ValDt", place) or booked_on
    if booked_on is None or value_on is None:
        raise FileUnreadable(f"entry {place} has neither booking nor value date")
    details = [detail for group in _all(entry, "NtryDtls") for detail in _all(group, "TxDtls")]
    for number, detail in enumerate(details or [entry], start=1):
        where = f"{place}/{number}" if details else place
        reason = _detail_reason(detail) if details else ""
        amount = _amount(detail, where) or (_amount(entry, where) if len(details) <= 1 else None)
        if reason or amount is None:
            found.ignored.append(Ignored(where, reason or "one of several details, without an amount of its own"))
            continue
        bank_ref = _text(detail, "Refs/AcctSvcrRef") or _text(detail, "Refs/TxId") or f"{number}"
        credit = BankCredit(
            identity=(account, own, booked_on.isoformat(), bank_ref if details else ""),
            amount_minor=amount[0], currency=amount[1], value_on=value_on, booked_on=booked_on,
            reference=_reference(detail), document=where,
        )  # fmt: skip
        found.credits.append(credit)


def _entry_reason(entry: Node, status: str) -> str:
    """Return why an entry is no payment, or nothing."""
    if status != "BOOK":
        return f"status {status or 'missing'}: only booked entries count"
    if _text(entry, "CdtDbtInd") != "CRDT":
        return "a debit"
    if _text(entry, "RvslInd") == "true":
        return "a reversal"
    return ""


def _detail_reason(detail: Node) -> str:
    if _text(detail, "CdtDbtInd") == "DBIT":
        return "a debit within a credit entry"
    if _find(detail, "RtrInf") is not None:
        return "a return of our own payment"
    return ""


def _amount(node: Node, place: str) -> tuple[int, str] | None:
    found = _find(node, "Amt")
    if found is None or not found.text:
        found = _find(node, "AmtDtls/TxAmt/Amt")
    if found is None or not found.text:
        return None
    currency = found.get("Ccy") or ""
    try:
        minor = to_minor(found.text.strip(), currency)
    except InvalidAmount as error:
        raise FileUnreadable(f"entry {place}: {error}") from error
    if len(currency) != 3:
        raise FileUnreadable(f"entry {place}: the amount has no currency")
    if minor <= 0:
        raise FileUnreadable(f"entry {place}: the amount {found.text} is not above zero")
    return minor, currency


def _reference(detail: Node) -> str:
    """Return the structured creditor reference, without spaces."""
    for structured in _all(_find(detail, "RmtInf"), "Strd"):
        if reference := _text(structured, "CdtrRefInf/Ref"):
            return "".join(reference.split()).upper()
    return ""


def _date(node: Node, path: str, place: str) -> date | None:
    text = _text(node, f"{path}/Dt") or _text(node, f"{path}/DtTm")[:10]
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise FileUnreadable(f"entry {place}: {text!r} is no date") from error


def _name(node: Node) -> str:
    return str(etree.QName(node).localname)


def _all(node: Node | None, name: str) -> Iterator[Node]:
    return (child for child in (node if node is not None else ()) if _name(child) == name)


def _find(node: Node, path: str) -> Node | None:
    """Return the first element below `node` along local names."""
    for name in path.split("/"):
        node = next(_all(node, name), None)
        if node is None:
            return None
    return node


def _text(node: Node, path: str) -> str:
    found = _find(node, path)
    return (found.text or "").strip() if found is not None else ""
