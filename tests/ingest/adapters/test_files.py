"""Readers of files against samples of our own: what is money, what is left out and why."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from arrears.events import corebanking as native
from ingest.adapters import camt054, xes
from ingest.domain.refusals import FileUnreadable

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.054.001."


def notification(entries: str, version: str = "04") -> bytes:
    return (
        f"<Document xmlns='{NAMESPACE}{version}'><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>N</Id>"
        f"<Acct><Id><Othr><Id>ACC</Id></Othr></Id></Acct>{entries}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()


def entry(body: str = "", *, status: str = "BOOK", sign: str = "CRDT", amount: str = "10.00") -> str:
    return (
        f"<Ntry><NtryRef>E</NtryRef><Amt Ccy='CHF'>{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{status_of(status)}"
        f"<BookgDt><Dt>2026-02-08</Dt></BookgDt>{body}</Ntry>"
    )


def status_of(status: str) -> str:
    return f"<Sts>{status}</Sts>"


def detail(body: str, amount: str = "<Amt Ccy='CHF'>4.00</Amt>") -> str:
    return f"<NtryDtls><TxDtls>{amount}{body}</TxDtls></NtryDtls>"


@pytest.mark.parametrize("version", [f"{n:02d}" for n in range(2, 11)])
def test_every_version_of_the_message_is_read(version: str) -> None:
    found = camt054.read(notification(entry(), version))
    assert [(c.amount_minor, c.currency, c.value_on, c.identity) for c in found.credits] == [
        (1_000, "CHF", date(2026, 2, 8), ("ACC", "E", "2026-02-08", ""))
    ]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (entry(status="PDNG"), "PDNG"),
        (entry(status="INFO"), "INFO"),
        (entry(status=""), "missing"),
        (entry(sign="DBIT"), "a debit"),
        (entry("<RvslInd>true</RvslInd>"), "a reversal"),
        (entry(detail("<RtrInf/>")), "return of our own payment"),
        (entry(detail("<CdtDbtInd>DBIT</CdtDbtInd>")), "within a credit"),
        (entry(detail("", "") + detail("", "")), "without an amount"),
    ],
)
def test_what_is_no_payment_is_listed_with_its_reason(entries: str, reason: str) -> None:
    found = camt054.read(notification(entries))
    assert found.credits == []
    assert all(reason in one.reason for one in found.ignored)
    assert found.ignored


def test_a_single_detail_without_amount_has_the_entrys_amount_and_a_reference_loses_its_spaces() -> None:
    body = detail("<RmtInf><Strd><CdtrRefInf><Ref>rf18 5390</Ref></CdtrRefInf></Strd></RmtInf>", "")
    found = camt054.read(notification(entry(body)))
    assert [(c.amount_minor, c.reference) for c in found.credits] == [(1_000, "RF185390")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "well-formed"),
        (b"<a", "well-formed"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.054.001.11'/>", "not camt.054"),
        (b"<Document/>", "without namespace"),
        (f"<Document xmlns='{NAMESPACE}08'/>".encode(), "no BkToCstmrDbtCdtNtfctn"),
        (b"<!DOCTYPE Document SYSTEM 'file:///etc/passwd'><Document/>", "type declaration"),
        (notification(entry(amount="ten")), "not an amount"),
        (notification(entry(amount="NaN")), "not finite"),
        (notification(entry(amount="-1")), "not above zero"),
        (notification(entry(amount="1.001")), "finer"),
        (notification(entry("<ValDt><Dt>2026-02-30</Dt></ValDt>")), "is no date"),
    ],
)
def test_an_unusable_notification_is_refused_with_its_reason(data: bytes, words: str) -> None:
    with pytest.raises(FileUnreadable, match=words):
        camt054.read(data)


def event(activity: str, at: str, **floats: str) -> str:
    values = "".join(f"<float key='{name}' value='{value}'/>" for name, value in floats.items())
    return f"<event><string key='concept:name' value='{activity}'/><date key='time:timestamp' value='{at}'/>{values}</event>"


def log(*events: str) -> bytes:
    return f"<log><trace><string key='concept:name' value='A1'/>{''.join(events)}</trace></log>".encode()


def test_a_case_becomes_a_loan_fees_and_payments() -> None:
    found = xes.read(
        log(
            event("Create Fine", "2006-06-20T00:00:00+02:00", amount="35.0"),
            event("Send Fine", "2006-07-01T00:00:00+02:00", expense="11.0"),
            event("Insert Fine Notification", "2006-07-05T00:00:00+02:00"),
            event("Add penalty", "2006-09-03T00:00:00+02:00", amount="71.5"),
            event("Payment", "2006-09-10T00:00:00+02:00", paymentAmount="82.5"),
        )
    )
    booked, expense, penalty, payment = (fact.event for fact in found.facts)
    assert isinstance(booked, native.LoanBooked)
    assert (booked.principal_minor, booked.instalments[0].due_on) == (3_500, date(2006, 6, 20))
    assert isinstance(expense, native.FeePosted)
    assert isinstance(penalty, native.FeePosted)
    assert (expense.amount_minor, penalty.amount_minor) == (1_100, 3_650)  # the new total less the fine
    assert isinstance(payment, native.RepaymentPosted)
    assert found.facts[0].at == datetime(2006, 6, 19, 22, tzinfo=UTC)
    assert found.ignored == {"Insert Fine Notification": 1}


def test_a_fine_of_nothing_is_no_loan() -> None:
    assert xes.read(log(event("Create Fine", "2006-06-20T00:00:00", amount="0.0"))).facts == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<log", "well-formed"),
        (b"<log><trace/></log>", "no concept:name"),
        (log("<event/>"), "time:timestamp"),
        (log(event("Create Fine", "yesterday", amount="1")), "yesterday"),
        (log(event("Create Fine", "2006-06-20T00:00:00")), "amount"),
        (log(event("Payment", "2006-06-20T00:00:00", paymentAmount="-1")), "below zero"),
    ],
)
def test_an_unusable_log_is_refused_with_its_place(data: bytes, words: str) -> None:
    with pytest.raises(FileUnreadable, match=words):
        xes.read(data)
