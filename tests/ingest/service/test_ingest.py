"""Ingest as a service: facts from core banking, files, closed days, and what its doors answer."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace
from tests.ingest.service.corebanking import (
    FIRST_DUE,
    booked,
    debtor_id,
    loan_id,
    paid,
    record,
    taken_back,
)
from tests.service_world import PARTITIONS, ServiceWorld, folded_one_by_one

from arrears.auth.principal import Role
from arrears.events import corebanking as native
from arrears.events import ingest as e
from arrears.parked import redrive
from arrears.vault import SubjectKey, unseal
from ingest.projections.loan_book import LOAN_BOOK
from ingest.projections.payment_reference import PAYMENT_REFERENCE
from ingest.use_cases.close_day import Aged, age_all

DAY = timedelta(days=1)

SAMPLES = Path(__file__).parents[3] / "docs" / "samples"


async def close(world: ServiceWorld, day: date, key: str = "") -> httpx.Response:
    async with world.client("ops", Role.operator) as client:
        headers = {"Idempotency-Key": key or f"close-{day}"}
        answer = await client.post("/v1/business-days", json={"date": day.isoformat()}, headers=headers)
    await world.project()
    return answer


async def upload(world: ServiceWorld, data: bytes, format_name: str, key: str = "k") -> httpx.Response:
    await world.project()
    async with world.client("ops", Role.operator) as client:
        answer = await client.post(
            "/v1/files", params={"format": format_name}, content=data, headers={"Idempotency-Key": key}
        )
    await world.project()
    return answer


async def loan(world: ServiceWorld, **query: str) -> dict[str, Any]:
    async with world.client("ann", Role.collector) as client:
        answer = await client.get(f"/v1/loans/{loan_id()}", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def camt(*details: tuple[str, str, str], status: str = "BOOK") -> bytes:
    """Return a notification with one entry; a detail is (bank reference, amount, creditor reference)."""
    texts = "".join(
        f"<TxDtls><Refs><AcctSvcrRef>{ref}</AcctSvcrRef></Refs><Amt Ccy='CNY'>{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
        f"<RmtInf><Strd><CdtrRefInf><Ref>{reference}</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>"
        for ref, amount, reference in details
    )
    total = sum(Decimal(amount) for _, amount, _ in details) or Decimal(1)
    return (
        "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.054.001.08'><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>N1</Id>"
        "<Acct><Id><IBAN>CH9300762011623852957</IBAN></Id></Acct><Ntry><NtryRef>E1</NtryRef>"
        f"<Amt Ccy='CNY'>{total}</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
        f"<Sts><Cd>{status}</Cd></Sts><BookgDt><Dt>2026-02-08</Dt></BookgDt><ValDt><Dt>2026-02-07</Dt></ValDt>"
        f"<AcctSvcrRef>A1</AcctSvcrRef><NtryDtls>{texts}</NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()


async def test_a_booking_is_kept_once_and_no_personal_value_in_clear(world: ServiceWorld) -> None:
    await world.hear_records([record(booked(), event_id="1"), record(booked(), event_id="1"), record(booked())])
    assert await world.names() == [
        "DebtorRegistered", "ContactPointAdded", "LoanImported", "InstallmentScheduled", "InstallmentScheduled",
        "LoanBalanceChanged",
    ]  # fmt: skip
    log = await world.log()
    everything = b"".join(event.raw_data for event in log)
    assert b"13800138000" not in everything
    assert "张三".encode() not in everything
    assert world.parked == []


async def test_a_sealed_value_opens_only_with_the_persons_key_and_at_its_place(world: ServiceWorld) -> None:
    await world.hear_records([record(booked())])
    async with world.client("outreach", Role.service) as client:
        answer = await client.get(f"/v1/keys/{debtor_id()}")
        nobody = await client.get(f"/v1/keys/{debtor_id('nobody')}")
    assert (answer.headers["cache-control"], nobody.status_code) == ("no-store", 404)
    key = msgspec.json.decode(answer.content, type=SubjectKey)
    event = next(one for one in await world.log() if one.type == "ContactPointAdded")
    assert isinstance(event.data, e.ContactPointAdded)
    place = (event.stream_key, "ContactPointAdded", "value_sealed")
    assert unseal(key, *place, event.data.value_sealed) == "+8613800138000"
    async with world.client("ann", Role.collector) as client:
        assert (await client.get(f"/v1/keys/{debtor_id()}")).status_code == 403


async def test_from_due_to_overdue_to_cured_to_bounced(world: ServiceWorld) -> None:
    await world.hear_records([record(booked())])
    for day in (FIRST_DUE - 3 * DAY, FIRST_DUE, FIRST_DUE + DAY):
        answer = await close(world, day)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["closed_partitions"], answer.json()["loans_aged"]) == (PARTITIONS, 1)
    names = [name for name in await world.names() if name != "BusinessDayClosed"]
    assert names[6:] == ["InstallmentDueSoon", "LoanBalanceChanged", "LoanOverdue", "LoanBalanceChanged"]
    now = await loan(world)
    assert (now["days_past_due"], now["bucket"], now["due"]["penalty_minor"]) == (1, "M1", 30)
    on = FIRST_DUE + 2 * DAY
    await world.hear_records([record(paid("P-1", 100_060, on), on=on)])
    assert (await world.names())[-3:] == ["RepaymentReceived", "LoanCured", "LoanBalanceChanged"]
    await world.hear_records([record(taken_back("P-1", on), on=on)])
    await world.hear_records([record(taken_back("P-1", on), on=on)])
    assert (await world.names())[-3:] == ["RepaymentReversed", "DelinquencyBucketChanged", "LoanBalanceChanged"]
    assert (await loan(world, as_of=on.isoformat()))["due_minor"] == 100_060
    assert world.parked == []


async def test_a_day_is_closed_once_and_a_repetition_says_so(world: ServiceWorld) -> None:
    await world.hear_records([record(booked())])
    day = FIRST_DUE + DAY
    first, again, other = await close(world, day), await close(world, day), await close(world, day, key="another")
    assert first.json() == again.json()  # the key's answer
    assert (other.json()["closed_before"], other.json()["loans_aged"]) == (True, 0)
    backwards = await close(world, FIRST_DUE)
    assert (backwards.status_code, backwards.json()["code"]) == (409, "day-goes-backwards")
    reused = await close(world, day + DAY, key=f"close-{day}")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency-key-reused")
    async with world.client("ann", Role.collector) as client:
        assert (await client.get("/v1/business-days")).json() == {
            "calendar_id": "default", "closed_on": day.isoformat(), "partitions": PARTITIONS, "partitions_ahead": 0,
        }  # fmt: skip
        forbidden = await client.post(
            "/v1/business-days", json={"date": "2026-03-01"}, headers={"Idempotency-Key": "x"}
        )
    assert forbidden.status_code == 403


async def test_a_bank_file_pays_the_loans_that_its_references_name_once(world: ServiceWorld) -> None:
    await world.hear_records([record(booked())])
    file = camt(("T1", "1000.00", "RF18539007547034"), ("T2", "5.00", "RF00"), ("T3", "1.00", ""))
    answer = await upload(world, file, "camt")
    assert answer.status_code == 200, answer.text
    counts = {name: answer.json()[name] for name in ("entries", "applied", "unmatched", "ignored", "imported_before")}
    assert counts == {"entries": 3, "applied": 1, "unmatched": 2, "ignored": 0, "imported_before": False}
    rows = await world.rows("SELECT reference, reason FROM read.unmatched_receipt ORDER BY reference")
    assert [row["reason"] for row in rows] == ["the payment quotes no reference", "no loan has this reference"]
    before = await world.names()
    again = await upload(world, file, "camt", key="another")
    assert (again.json()["imported_before"], await world.names()) == (True, before)
    # The same posting in another file of the bank is the same posting.
    copy = await upload(world, file.replace(b"<Id>N1</Id>", b"<Id>N2</Id>"), "camt", key="copy")
    assert (copy.json()["applied"], copy.json()["repeated"]) == (0, 1)
    assert (await loan(world, as_of="2026-02-08"))["repayments"][0]["amount_minor"] == 100_000


async def test_two_payments_with_one_reference_are_two_payments(world: ServiceWorld) -> None:
    await world.hear_records([record(booked())])
    file = camt(("T1", "10.00", "RF18539007547034"), ("T2", "10.00", "RF18539007547034"))
    assert (await upload(world, file, "camt")).json()["applied"] == 2


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ("<EndToEndId>RF18539007547034</EndToEndId>", "applied"),
        ("<RmtInf><Ustrd>my rate, RF18 5390 0754 7034 thanks</Ustrd></RmtInf>", "applied"),
        ("<RmtInf><Ustrd>RF18539007547034 and RF71OTHER1</Ustrd></RmtInf>", "unmatched"),
        ("<EndToEndId>RF18539007547034</EndToEndId><RmtInf><Ustrd>RF71OTHER1</Ustrd></RmtInf>", "applied"),
        ("<RmtInf><Ustrd>thanks a lot</Ustrd></RmtInf>", "unmatched"),
    ],
)
async def test_a_payment_without_a_structured_reference_is_matched_by_what_else_names_one_loan(
    world: ServiceWorld, told: str, outcome: str
) -> None:
    other = replace(booked(), loan_ref="L-2", customer_ref="C-2", payment_reference="RF71OTHER1")
    await world.hear_records([record(booked()), record(other, key="C-2")])
    strd = "<RmtInf><Strd><CdtrRefInf><Ref></Ref></CdtrRefInf></Strd></RmtInf>"
    refs, _, text = told.partition("<RmtInf>")
    data = camt(("T1", "1.00", "")).replace(strd.encode(), f"<RmtInf>{text}".encode() if text else b"")
    data = data.replace(b"</Refs>", refs.encode() + b"</Refs>")
    answer = (await upload(world, data, "camt")).json()
    assert answer[outcome] == 1, answer


async def test_an_entry_that_cannot_be_read_is_rejected_and_the_rest_is_booked(world: ServiceWorld) -> None:
    await world.hear_records([record(booked())])
    good = camt(("T1", "1.00", "RF18539007547034"))
    wrong = (
        good[good.index(b"<Ntry>") : good.index(b"</Ntry>") + 7].replace(b">1.00<", b">x<").replace(b">A1<", b">A2<")
    )
    answer = (await upload(world, good.replace(b"</Ntfctn>", wrong + b"</Ntfctn>"), "camt")).json()
    assert (answer["entries"], answer["applied"], answer["ignored"]) == (2, 1, 1)
    assert answer["rejected"] == ["N1/2: 'x' is not an amount"]


async def test_the_documented_samples_are_one_portfolio_in_two_forms(world: ServiceWorld) -> None:
    table = await upload(world, (SAMPLES / "portfolio.csv").read_bytes(), "portfolio-csv")
    assert {name: table.json()[name] for name in ("entries", "applied", "rejected")} == {
        "entries": 3, "applied": 3, "rejected": [],
    }  # fmt: skip
    log = await world.log()
    assert [event.type for event in log].count("LoanImported") == 2
    assert [one.data.amount_minor for one in log if isinstance(one.data, e.RepaymentReceived)] == [101_800]
    assert all("李华".encode() not in event.raw_data and b"ann@example" not in event.raw_data for event in log)
    lines = (await upload(world, (SAMPLES / "portfolio.jsonl").read_bytes(), "jsonl", key="lines")).json()
    assert (lines["applied"], lines["repeated"]) == (0, 2)
    assert len(await world.log()) == len(log) + 1  # FileImported


async def test_a_bad_loan_of_a_portfolio_is_named_and_the_others_are_booked(world: ServiceWorld) -> None:
    data = (SAMPLES / "portfolio.csv").read_bytes().replace(b"2026-02-20", b"soon")
    answer = (await upload(world, data, "portfolio-csv")).json()
    assert (answer["entries"], answer["applied"], answer["ignored"]) == (3, 2, 1)
    assert answer["rejected"][0].startswith("loan L-2002: from line 5: ")


async def test_a_batch_that_does_not_add_up_is_one_sum_for_a_person_though_its_details_name_loans(
    world: ServiceWorld,
) -> None:
    await world.hear_records([record(booked())])
    data = camt(("T1", "1.00", "RF18539007547034"), ("T2", "2.00", "RF18539007547034"))
    answer = (await upload(world, data.replace(b">3.00<", b">9.00<"), "camt")).json()
    assert (answer["applied"], answer["unmatched"]) == (0, 1)
    (row,) = await world.rows("SELECT amount_minor, reason FROM read.unmatched_receipt")
    assert (row["amount_minor"], row["reason"]) == (900, "the details do not add up to the entry")


async def test_money_that_a_loan_refuses_is_kept_for_a_person(world: ServiceWorld) -> None:
    await world.hear_records([record(booked(disbursed_on=date(2026, 2, 10), instalments=(
        native.Instalment(no=1, due_on=date(2026, 3, 5), principal_minor=200_000),
    )))])  # fmt: skip
    assert (await upload(world, camt(("T1", "1.00", "RF18539007547034")), "camt")).json()["unmatched"] == 1
    rows = await world.rows("SELECT reason FROM read.unmatched_receipt")
    assert "before 2026-02-10" in rows[0]["reason"]


@pytest.mark.parametrize(
    ("data", "format_name", "code", "words"),
    [
        (b"<Document", "camt", "file-unreadable", "well-formed"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><Document/>", "camt", "file-unreadable", "type declaration"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.052.001.08'/>", "camt", "file-unreadable", "camt.053"),
        (b"<notes/>", "xes", "file-unreadable", "not an XES log"),
        (b"abc", "fineract", "file-unreadable", "single object"),
        (b'{"specversion": "1.0"}', "jsonl", "file-unreadable", "line 1"),
        (b"1,2,3", "csv", "format-unknown", "formats are"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_whole(
    world: ServiceWorld, data: bytes, format_name: str, code: str, words: str
) -> None:
    answer = await upload(world, data, format_name)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert words in answer.json()["detail"]
    assert await world.names() == []


async def test_an_empty_file_and_a_form_without_one_are_refused(world: ServiceWorld) -> None:
    assert (await upload(world, b"", "camt")).json()["code"] == "file-missing"
    async with world.client("ops", Role.operator) as client:
        form = await client.post("/v1/files", files={"other": ("f.xml", b"<a/>")}, headers={"Idempotency-Key": "form"})
        taken = await client.post(
            "/v1/files", files={"file": ("f.xml", camt(status="PDNG"))}, headers={"Idempotency-Key": "form-2"}
        )
    assert form.json()["code"] == "file-missing"
    assert taken.json()["left_out"] == ["N1/1: status PDNG: only booked entries count"]


async def test_facts_in_a_jsonl_file_work_like_those_of_the_topic(world: ServiceWorld) -> None:
    line = (
        b'{"specversion":"1.0","id":"1","source":"/core","type":"arrears.corebanking.FeePosted.v1","time":'
        b'"2026-02-10T09:00:00Z","data":{"loan_ref":"L-1","customer_ref":"C-1","fee_ref":"F","kind":"notice",'
        b'"amount_minor":500,"currency":"CNY","charged_on":"2026-02-10","contract_clause":"7"}}\n'
    )
    refused = await upload(world, line, "jsonl", key="early")
    assert refused.json()["left_out"] == ["loan-unknown: no such loan was booked"]
    await world.hear_records([record(booked())])
    assert (await upload(world, line + b"\n", "jsonl", key="late")).json()["applied"] == 1


async def test_a_wrong_key_parks_the_record_and_what_is_behind_it_until_it_is_redriven(world: ServiceWorld) -> None:
    wrong = record(booked(), key="C-2")
    behind = record(booked("L-2", "C-2", payment_reference=""), key="C-2")
    await world.hear_records([wrong, behind, record(booked())])
    assert [reason.split(":")[0] for reason in world.parked] == ["invalid", "behind"]
    assert "is not the event's customer_ref" in world.parked[0]
    rows = await world.rows("SELECT DISTINCT debtor_id FROM es.parked")
    assert [row["debtor_id"] for row in rows] == [debtor_id("C-2")]
    answers = await redrive(world.bound.inbox, None, "C-2", world.now)
    assert [(one.applied, one.left) for one in answers] == [(0, 2)]


async def test_a_debtor_whose_key_is_parked_is_not_aged(world: ServiceWorld) -> None:
    await world.hear_records([record(booked())])
    await world.hear_records([record(taken_back("never", FIRST_DUE))])
    assert world.parked[0].startswith("repayment-unknown")
    assert (await close(world, FIRST_DUE + DAY)).json()["loans_aged"] == 0


async def test_money_for_a_loan_that_is_not_in_the_book_waits(world: ServiceWorld) -> None:
    await world.hear_records([record(paid("P-1", 500, FIRST_DUE))])
    assert await world.names() == ["UnmatchedReceiptOpened"]


async def test_changed_data_and_schedules_arrive_once(world: ServiceWorld) -> None:
    customer = native.CustomerData(name="张三", phone="+8613900139000", email="zhang@example.org")
    changed = native.DebtorChanged(customer_ref="C-1", change_ref="X-1", customer=customer)
    later = native.ScheduleChanged(
        loan_ref="L-1", customer_ref="C-1", change_ref="S-1", effective_on=date(2026, 3, 1),
        instalments=(native.Instalment(no=2, due_on=date(2026, 6, 5), principal_minor=100_000),),
    )  # fmt: skip
    await world.hear_records([record(booked()), record(changed), record(changed), record(later), record(later)])
    names = (await world.names())[6:]
    assert names == [
        "DebtorUpdated", "ContactPointAdded", "ContactPointAdded", "InstallmentScheduled", "InstallmentScheduled",
        "LoanBalanceChanged",
    ]  # fmt: skip


async def test_the_loan_book_equals_its_rebuild_one_event_at_a_time(world: ServiceWorld) -> None:
    await world.hear_records([record(booked()), record(paid("P-1", 40_000, FIRST_DUE))])
    await close(world, FIRST_DUE + 40 * DAY)
    for projection in (LOAN_BOOK, PAYMENT_REFERENCE):
        live = await world.rows(f"SELECT * FROM read.{projection.name} ORDER BY {projection.order_by}")
        assert live == await folded_one_by_one(world, projection)
    row = (await world.rows("SELECT * FROM read.loan_book"))[0]
    assert (row["bucket"], row["days_past_due"], row["received_minor"]) == ("M2", 40, 40_000)
    assert row["oldest_due_on"] == FIRST_DUE


async def test_an_unknown_loan_is_not_found(world: ServiceWorld) -> None:
    async with world.client("ann", Role.collector) as client:
        answer = await client.get(f"/v1/loans/{loan_id('nobody')}")
    assert (answer.status_code, answer.json()["code"]) == (404, "loan-unknown")


async def test_a_close_that_was_killed_midway_is_finished_by_its_repetition(world: ServiceWorld) -> None:
    await world.hear_records([record(booked(f"L-{n}", payment_reference="")) for n in range(3)])
    day, aged = FIRST_DUE + DAY, Aged()
    await age_all(day, world.bound.store, world.bound.clock, aged)  # and then the process died
    assert (aged.loans, "BusinessDayClosed" in await world.names()) == (3, False)
    answer = (await close(world, day)).json()
    assert (answer["loans_aged"], answer["closed_partitions"]) == (0, PARTITIONS)
    assert (await world.names()).count("LoanOverdue") == 3
