"""A bank's statements and notifications (ISO 20022 camt.053 and camt.054, versions .02 to .10) as payments.

A payment is a booked credit, or a credit within a booked batch, that is no reversal and no return of our own money. It is
known by account, entry and the bank's own reference of the detail; never by the creditor reference, which one debtor may
use many times. What is no payment, and what cannot be read, is listed with its place and the reason; the rest goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

from lxml import etree

from arrears.values.money import InvalidAmount, to_minor
from ingest.domain.refusals import FileUnreadable

_NAMESPACE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.05([34])\.001\.(0[2-9]|10)")
_BODIES: Final = {"3": ("BkToCstmrStmt", "Stmt"), "4": ("BkToCstmrDbtCdtNtfctn", "Ntfctn")}
_NOT_PROVIDED: Final = "NOTPROVIDED"  # what a payer's bank writes where no end-to-end id was given
_WORD: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9]|[-/.](?=[A-Z0-9])){4,}")
_SPACED_RF: Final = re.compile(r"\bRF\d\d(?: [A-Z0-9]{4})+(?: [A-Z0-9]{1,3})?\b")  # ISO 11649 as people read it aloud
_RETURNED: Final = "RRTN"
Node = Any  # lxml.etree._Element, which ships no types
Sign = Literal["CRDT", "DBIT"]


class _Unreadable(ValueError):
    """What is wrong with one entry."""


@dataclass(frozen=True, slots=True)
class BankCredit:
    """One payment. `identity` is the bank's; `reference` the structured one that the payer quoted, `end_to_end_id` the
    payer's own, `words` what stands in the free text and might be a contract's number."""

    identity: tuple[str, ...]
    amount_minor: int
    currency: str
    value_on: date
    booked_on: date
    reference: str
    document: str
    end_to_end_id: str = ""
    words: tuple[str, ...] = ()
    unclear: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """An entry or detail that is no payment, and why."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the file has it; `status` and `reversal` are empty and None where it does not say."""

    sign: str
    reversal: bool | None
    status: str
    amount_minor: int
    currency: str
    details: int
    returns: int
    references: int


@dataclass(slots=True)
class BankFile:
    """What a file holds: its entries, the payments among them, what is left out or unreadable with the reason, and
    where its own sums differ from its entries."""

    entries: list[Entry] = field(default_factory=list)
    credits: list[BankCredit] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    rejected: list[Ignored] = field(default_factory=list)
    differences: list[Ignored] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Book:
    """A statement or notification: the account, its name in the file, and what holds for entries that do not say."""

    account: str
    id: str
    status: str
    day: date | None


def read(data: bytes) -> BankFile:
    """Return what a camt.053 or camt.054 file holds.

    Raises:
        FileUnreadable: no XML, a document type declaration (never needed, and dangerous), another message or version.
    """
    root = _parse(data)
    namespace = etree.QName(root).namespace or ""
    kind = _NAMESPACE.fullmatch(namespace)
    if kind is None:
        raise FileUnreadable(
            f"the document is {namespace or 'without namespace'!r}, not camt.053 or camt.054, .02 to .10"
        )
    wanted, item = _BODIES[kind[1]]
    body = next(iter(root), None)
    if body is None or _name(body) != wanted:
        raise FileUnreadable(f"the document holds no {wanted}")
    found = BankFile()
    for book in _all(body, item):
        _read_book(book, found, statement=item == "Stmt")
    return found


def _read_book(node: Node, found: BankFile, *, statement: bool) -> None:
    """Read one statement or notification. A statement holds what is booked, on its closing day, where an entry is silent."""
    account = _text(node, "Acct/Id/IBAN") or _text(node, "Acct/Id/Othr/Id")
    book = _Book(account, _text(node, "Id"), "BOOK" if statement else "", _closing_day(node) if statement else None)
    first = len(found.entries)
    for number, entry in enumerate(_all(node, "Ntry"), start=1):
        place = f"{book.id}/{number}"
        try:
            found.entries.append(_entry(entry))
            _read_entry(entry, book, place, found)
        except _Unreadable as error:
            found.rejected.append(Ignored(place, str(error)))
    _check_totals(node, book, found.entries[first:], found)


def _check_totals(node: Node, book: _Book, entries: Sequence[Entry], found: BankFile) -> None:
    """Compare with the file's own sum of credits, where it gives one and every entry could be read."""
    told = _text(node, "TxsSummry/TtlCdtNtries/Sum")
    if not told or any(one.place.startswith(f"{book.id}/") for one in found.rejected):
        return
    credits = [one for one in entries if one.sign == "CRDT"]
    currencies = {one.currency for one in credits}
    if len(currencies) == 1 and sum(one.amount_minor for one in credits) != _minor(told, currencies.pop()):
        found.differences.append(Ignored(book.id, f"the file's own sum of credits is {told}, its entries have another"))


def _closing_day(node: Node) -> date | None:
    for balance in _all(node, "Bal"):
        if _text(balance, "Tp/CdOrPrtry/Cd") == "CLBD":
            return _date(balance, "Dt")
    return None


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


def _entry(entry: Node) -> Entry:
    details = list(_details(entry))
    amount, currency = _required_amount(entry)
    told = _text(entry, "RvslInd")
    return Entry(
        sign=_text(entry, "CdtDbtInd"), reversal=told == "true" if told else None, status=_status(entry),
        amount_minor=amount, currency=currency, details=len(details),
        returns=sum(_find(one, "RtrInf") is not None for one in details),
        references=sum(len(_references(one)) for one in details),
    )  # fmt: skip


def _read_entry(entry: Node, book: _Book, place: str, found: BankFile) -> None:
    details = list(_details(entry))
    if reason := _entry_reason(entry, _status(entry) or book.status, details):
        found.ignored.append(Ignored(place, reason))
        return
    own = _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef") or place
    booked_on = _date(entry, "BookgDt") or _date(entry, "ValDt") or book.day
    value_on = _date(entry, "ValDt") or booked_on
    if booked_on is None or value_on is None:
        raise _Unreadable("the entry has neither booking nor value date")
    whole = _required_amount(entry)
    unclear = _sum_problem(entry, details, whole)
    if unclear and _sign(entry) == "DBIT":
        found.ignored.append(Ignored(place, f"a debit: {unclear}"))
        return
    for number, detail in enumerate(details if details and not unclear else [entry], start=1):
        where = f"{place}/{number}" if detail is not entry else place
        if detail is not entry and (reason := _detail_reason(entry, detail)):
            found.ignored.append(Ignored(where, reason))
            continue
        amount, currency = _amount(detail) or whole
        bank_ref = _text(detail, "Refs/AcctSvcrRef") or _text(detail, "Refs/TxId") or f"{number}"
        found.credits.append(
            BankCredit(
                identity=(book.account, own, booked_on.isoformat(), bank_ref if detail is not entry else ""),
                amount_minor=amount,
                currency=currency,
                value_on=value_on,
                booked_on=booked_on,
                reference=next(iter(_references(detail)), ""),
                document=where,
                end_to_end_id=_end_to_end_id(detail),
                words=_words(detail),
                unclear=unclear,
            )
        )


def _details(entry: Node) -> Iterator[Node]:
    return (detail for group in _all(entry, "NtryDtls") for detail in _all(group, "TxDtls"))


def _status(entry: Node) -> str:
    return _text(entry, "Sts/Cd") or _text(entry, "Sts")


def _entry_reason(entry: Node, status: str, details: Sequence[Node]) -> str:
    """Return why an entry holds no payment, or nothing. A debit may be the net of a batch with credits in it."""
    if status != "BOOK":
        return f"status {status or 'missing'}: only booked entries count"
    if _text(entry, "RvslInd") == "true":
        returned = any(_find(one, "RtrInf") is not None for one in details)
        return "a collection that came back" if returned and _sign(entry) == "DBIT" else "a reversal"
    if _sign(entry) == "DBIT" and not any(_text(one, "CdtDbtInd") == "CRDT" for one in details):
        return "a debit"
    return ""


def _detail_reason(entry: Node, detail: Node) -> str:
    if _sign(detail, _sign(entry)) == "DBIT":
        return "a debit within a batch"
    returned = _text(detail, "BkTxCd/Domn/Fmly/SubFmlyCd") or _text(entry, "BkTxCd/Domn/Fmly/SubFmlyCd")
    if _find(detail, "RtrInf") is not None or returned == _RETURNED:
        return "a return of our own payment"
    return ""


def _sum_problem(entry: Node, details: Sequence[Node], whole: tuple[int, str]) -> str:
    """Return why the details cannot be told apart; then the entry is one sum that a person must look into."""
    signs = {_sign(one, _sign(entry)) for one in details}
    if len(details) < 2 and signs <= {_sign(entry)}:
        return ""
    amounts = [(_amount(one), _sign(one, _sign(entry))) for one in details]
    if any(amount is None for amount, _ in amounts):
        return "one of several details has no amount of its own"
    signed = sum(
        amount[0] if sign == _sign(entry) else -amount[0]
        for amount, sign in amounts
        if amount and amount[1] == whole[1]
    )
    if signed != whole[0] or any(amount and amount[1] != whole[1] for amount, _ in amounts):
        return "the details do not add up to the entry"
    return ""


def _sign(node: Node, default: str = "") -> str:
    sign = _text(node, "CdtDbtInd") or default
    if sign not in ("CRDT", "DBIT"):
        raise _Unreadable(f"{sign or 'nothing'!r} is neither a credit nor a debit")
    return sign


def _required_amount(entry: Node) -> tuple[int, str]:
    found = _amount(entry)
    if found is None:
        raise _Unreadable("the entry has no amount")
    return found


def _amount(node: Node) -> tuple[int, str] | None:
    found = _find(node, "Amt")
    if found is None or not found.text:
        found = _find(node, "AmtDtls/TxAmt/Amt")
    if found is None or not found.text:
        return None
    currency = found.get("Ccy") or ""
    if len(currency) != 3:
        raise _Unreadable("an amount has no currency")
    minor = _minor(found.text.strip(), currency)
    if minor <= 0:
        raise _Unreadable(f"the amount {found.text.strip()} is not above zero")
    return minor, currency


def _minor(text: str, currency: str) -> int:
    try:
        return to_minor(text, currency)
    except InvalidAmount as error:
        raise _Unreadable(str(error)) from error


def _references(detail: Node) -> list[str]:
    """Return the structured creditor references, without spaces."""
    told = [_text(one, "CdtrRefInf/Ref") for one in _all(_find(detail, "RmtInf"), "Strd")]
    return ["".join(reference.split()).upper() for reference in told if reference]


def _end_to_end_id(detail: Node) -> str:
    told = _text(detail, "Refs/EndToEndId").upper()
    return "" if told == _NOT_PROVIDED else told


def _words(detail: Node) -> tuple[str, ...]:
    """Return what in the free text may be a number of a contract: words of five signs or more with a digit among them."""
    text = " ".join((one.text or "") for one in _all(_find(detail, "RmtInf"), "Ustrd")).upper()
    spaced = ["".join(found.split()) for found in _SPACED_RF.findall(text)]
    return tuple(dict.fromkeys([*spaced, *(word for word in _WORD.findall(text) if any(c.isdigit() for c in word))]))


def _date(node: Node, path: str) -> date | None:
    text = _text(node, f"{path}/Dt") or _text(node, f"{path}/DtTm")[:10]
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise _Unreadable(f"{text!r} is no date") from error


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
