"""Bank files against samples of our own, what nobody here wrote, and noise: what is money, what is not and why."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.values.money import to_minor
from ingest.adapters import camt
from ingest.domain.refusals import FileUnreadable

REAL = Path(__file__).parents[4] / "shared" / "real" / "iso20022"
real = pytest.mark.skipif(not REAL.is_dir(), reason="../shared/real/iso20022 is not here")
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
    found = camt.read(notification(entry(), version))
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
        (entry("<RvslInd>true</RvslInd>" + detail("<RtrInf/>"), sign="DBIT"), "a collection that came back"),
        (entry("<BkTxCd><Domn><Fmly><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn></BkTxCd>" + detail("")), "return of our"),
    ],
)
def test_what_is_no_payment_is_listed_with_its_reason(entries: str, reason: str) -> None:
    found = camt.read(notification(entries))
    assert found.credits == []
    assert found.rejected == []
    assert all(reason in one.reason for one in found.ignored)
    assert found.ignored


def test_a_single_detail_without_amount_has_the_entrys_amount_and_a_reference_loses_its_spaces() -> None:
    body = detail("<RmtInf><Strd><CdtrRefInf><Ref>rf18 5390</Ref></CdtrRefInf></Strd></RmtInf>", "")
    found = camt.read(notification(entry(body)))
    assert [(c.amount_minor, c.reference) for c in found.credits] == [(1_000, "RF185390")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "well-formed"),
        (b"<a", "well-formed"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.054.001.11'/>", "not camt.053 or camt.054"),
        (b"<Document/>", "without namespace"),
        (f"<Document xmlns='{NAMESPACE}08'/>".encode(), "no BkToCstmrDbtCdtNtfctn"),
        (b"<!DOCTYPE Document SYSTEM 'file:///etc/passwd'><Document/>", "type declaration"),
    ],
)
def test_an_unusable_notification_is_refused_with_its_reason(data: bytes, words: str) -> None:
    with pytest.raises(FileUnreadable, match=words):
        camt.read(data)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (entry(amount="ten"), "not an amount"),
        (entry(amount="NaN"), "not finite"),
        (entry(amount="-1"), "not above zero"),
        (entry(amount="1.001"), "finer"),
        (entry(sign="BOTH"), "neither a credit nor a debit"),
        (entry("<ValDt><Dt>2026-02-30</Dt></ValDt>"), "is no date"),
        (entry().replace("<BookgDt><Dt>2026-02-08</Dt></BookgDt>", ""), "neither booking nor value date"),
        (entry().replace(" Ccy='CHF'", ""), "no currency"),
        (entry().replace("<Amt Ccy='CHF'>10.00</Amt>", ""), "no amount"),
    ],
)
def test_a_bad_entry_is_rejected_with_its_place_and_the_others_are_read(wrong: str, words: str) -> None:
    found = camt.read(notification(entry() + wrong + entry()))
    assert len(found.credits) == 2
    assert [one.place for one in found.rejected] == ["N/2"]
    assert words in found.rejected[0].reason


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        (detail("", "") + detail(""), "no amount of its own"),
        (detail("") + detail(""), "do not add up"),
        (detail("<CdtDbtInd>DBIT</CdtDbtInd>"), "do not add up"),
        (detail("") + detail("", "<Amt Ccy='EUR'>6.00</Amt>"), "do not add up"),
    ],
)
def test_a_batch_that_cannot_be_told_apart_is_one_sum_for_a_person(details: str, reason: str) -> None:
    (only,) = camt.read(notification(entry(details))).credits
    assert (only.amount_minor, only.reference) == (1_000, "")
    assert reason in only.unclear


def test_a_batch_is_taken_by_the_sign_of_each_detail() -> None:
    """An entry may be the net of money in and money out: only what came in is a payment."""
    paid_out, paid_in = "<CdtDbtInd>DBIT</CdtDbtInd>", "<CdtDbtInd>CRDT</CdtDbtInd>"
    netted = detail(paid_out, "<Amt Ccy='CHF'>14.00</Amt>") + detail(paid_in)
    found = camt.read(notification(entry(netted, sign="DBIT")))
    assert [(c.amount_minor, c.document, c.unclear) for c in found.credits] == [(400, "N/1/2", "")]
    assert [one.reason for one in found.ignored] == ["a debit within a batch"]
    alone = camt.read(notification(entry(detail(paid_in), sign="DBIT")))
    assert (alone.credits, [one.reason for one in alone.ignored]) == (
        [],
        ["a debit: the details do not add up to the entry"],
    )


def test_a_statement_holds_what_is_booked_on_its_closing_day() -> None:
    silent = entry(status="").replace("<BookgDt><Dt>2026-02-08</Dt></BookgDt>", "").replace("<Sts></Sts>", "")
    balance = "<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Dt><Dt>2026-02-10</Dt></Dt></Bal>"
    data = (
        f"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt><Stmt><Id>S</Id>{balance}"
        f"{silent}</Stmt></BkToCstmrStmt></Document>"
    )
    assert [(c.amount_minor, c.value_on) for c in camt.read(data.encode()).credits] == [(1_000, date(2026, 2, 10))]


def test_a_payment_names_its_loan_in_more_than_one_way() -> None:
    body = (
        "<Refs><EndToEndId>contract-77</EndToEndId></Refs><RmtInf><Ustrd>Rate 3, RF18 5390 0754 7034,</Ustrd>"
        "<Ustrd>Vertrag ab-1234/9. Danke</Ustrd></RmtInf>"
    )
    (only,) = camt.read(notification(entry(detail(body, "")))).credits
    assert only.end_to_end_id == "CONTRACT-77"
    assert {"RF18539007547034", "AB-1234/9"} <= set(only.words)
    assert not {"VERTRAG", "DANKE", "RATE"} & set(only.words)
    nothing = detail("<Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>", "")
    assert [c.end_to_end_id for c in camt.read(notification(entry(nothing))).credits] == [""]


def test_the_files_own_sum_of_credits_is_compared() -> None:
    totals = "<TxsSummry><TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>{}</Sum></TtlCdtNtries></TxsSummry>"
    assert camt.read(notification(totals.format("10.00") + entry())).differences == []
    (wrong,) = camt.read(notification(totals.format("11.00") + entry())).differences
    assert (wrong.place, "11.00" in wrong.reason) == ("N", True)


def facts() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    with (REAL / "FACTS.tsv").open(newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            if row["message"].startswith("camt."):
                found.setdefault(row["file"], []).append(row)
    return found


@real
def test_every_entry_of_the_real_files_is_read_as_their_facts_have_it() -> None:
    flags = {"-": None, "true": True, "false": False}
    for file, rows in facts().items():
        entries = camt.read((REAL / file).read_bytes()).entries
        expected: list[Any] = [
            (
                row["CdtDbtInd"], flags[row["RvslInd"]], row["Sts"].strip("-"), to_minor(row["Amt"], row["Ccy"]), row["Ccy"],
                int(row["TxDtls"]), int(row["RtrInf"]), int(row["structured_refs"]),
            )
            for row in rows
            if row["entry_no"] != "-"
        ]  # fmt: skip
        told = [
            (e.sign, e.reversal, e.status, e.amount_minor, e.currency, e.details, e.returns, e.references)
            for e in entries
        ]
        assert told == expected, file


@real
@pytest.mark.parametrize(
    ("file", "credits", "unclear"),
    [
        ("dvbern-camt054.v4.qrr-pair-A", [77_829, 91_393], 0),
        ("dvbern-camt054.v8.qrr-pair-A", [77_829, 91_393], 0),
        ("dvbern-camt054.v4.nothing-to-book", [], 0),
        ("viafintech-camt054.v4.returns-reversals", [900, 1_500, 5_656], 0),
        ("moov-camt054.v4.postfinance-returns-no-rvslind", [], 0),
        ("viafintech-camt053.v8.ubs-qrr-scor", [8_885, 47_440], 0),
        ("viafintech-camt053.v2.ing-batch", [268_800, 500_000], 0),
        ("subite-camt053.v8.2024-03-07", [82_853_198], 0),
        ("subite-camt054.v10.2024-03-18", [], 0),
        ("genkgo-camt053.v2.five.decimals", [885], 0),
        ("genkgo-camt053.v2.wrong", [], 0),
        ("moov-camt053.v2.lithuania-statement", [], 0),
        ("svapnil-camt053.v2.nordea-rf", [10_050, 1_000_000], 0),
    ],
)
def test_the_traps_of_the_real_files(file: str, credits: list[int], unclear: int) -> None:
    found = camt.read((REAL / f"{file}.xml").read_bytes())
    assert sorted(credit.amount_minor for credit in found.credits) == credits
    assert sum(bool(credit.unclear) for credit in found.credits) == unclear
    assert found.rejected == []


@real
def test_one_reference_may_pay_three_times() -> None:
    found = camt.read((REAL / "moov-camt054.v4.postfinance-isr.xml").read_bytes())
    references = [credit.reference for credit in found.credits]
    assert (len(references), len(set(references))) == (5, 3)
    assert len({credit.identity for credit in found.credits}) == 5


pieces = st.sampled_from(
    [
        "<Ntry>", "</Ntry>", "<Amt Ccy='CHF'>1.00</Amt>", "<Amt>", "<CdtDbtInd>CRDT</CdtDbtInd>", "<Sts>BOOK</Sts>",
        "<NtryDtls><TxDtls>", "</TxDtls></NtryDtls>", "<BookgDt><Dt>2026-02-08</Dt></BookgDt>", "&amp;", "x", "<RmtInf/>",
        "<RmtInf><Strd/><Ustrd>A1B2C3</Ustrd></RmtInf>", "<RvslInd>maybe</RvslInd>", "\ufeff", "<!-- c -->", "<?p i?>",
    ]
)  # fmt: skip


@given(st.lists(pieces, max_size=25).map("".join))
@settings(deadline=None, max_examples=400)
def test_noise_is_read_or_refused_and_every_entry_is_accounted_for(body: str) -> None:
    try:
        found = camt.read(notification(body))
    except FileUnreadable:
        return
    told = {one.place.split("/")[1] for one in (*found.ignored, *found.rejected)}
    told |= {credit.document.split("/")[1] for credit in found.credits}
    assert len(told) >= len(found.entries)


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_bytes_are_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(FileUnreadable):
        camt.read(data)


def test_an_entity_bomb_and_an_external_entity_are_refused() -> None:
    bomb = (
        "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'>"
        + "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(12))
        + "]><Document>&m;</Document>"
    )
    outside = "<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><Document>&x;</Document>"
    for data in (bomb, outside):
        with pytest.raises(FileUnreadable):
            camt.read(data.encode())
