"""Files that nobody here wrote, through the doors: a bank's notification, Fineract's messages, the road traffic log."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from tests.ingest.service.corebanking import record
from tests.ingest.service.test_ingest import upload
from tests.service_world import ServiceWorld

from arrears.events import corebanking as native
from arrears.events import ingest as e
from arrears.kafka.cloudevents import RawRecord
from arrears.values import identity
from ingest.adapters.fineract.messages import TOPIC

REAL = Path(__file__).parents[4] / "shared" / "real"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="../shared/real is not here")
REFERENCES = ("539115429773825311971477453", "662437765447746478179744715")


def swiss_loan(ref: str, payment_reference: str) -> native.LoanBooked:
    due = native.Instalment(no=1, due_on=date(2020, 6, 1), principal_minor=200_000)
    return native.LoanBooked(
        loan_ref=ref, customer_ref="C-1", product="loan", currency="CHF", principal_minor=200_000,
        disbursed_on=date(2020, 1, 1), instalments=(due,), payment_reference=payment_reference,
    )  # fmt: skip


async def test_the_bank_file_pays_the_loans_that_it_names_in_both_versions_once(world: ServiceWorld) -> None:
    await world.hear_records([record(swiss_loan(f"L-{n}", ref)) for n, ref in enumerate(REFERENCES)])
    for version, applied in (("v8", 2), ("v4", 0)):
        data = (REAL / "iso20022" / f"dvbern-camt054.{version}.qrr-pair-A.xml").read_bytes()
        answer = await upload(world, data, "camt", key=version)
        assert answer.json()["applied"] == applied, answer.text
    received = [event.data for event in await world.log() if isinstance(event.data, e.RepaymentReceived)]
    assert [one.amount_minor for one in received] == [77_829, 91_393]
    assert {one.value_on for one in received} == {date(2020, 6, 18)}


@pytest.mark.parametrize(
    ("file", "entries", "payments"),
    [
        ("dvbern-camt054.v4.nothing-to-book", 3, 0),
        ("moov-camt054.v4.postfinance-isr", 6, 5),
        ("moov-camt054.v4.postfinance-returns-no-rvslind", 1, 0),
        ("subite-camt054.v10.2024-03-18", 1, 0),
        ("genkgo-camt054.v8", 1, 0),
    ],
)
async def test_only_booked_credits_are_money(world: ServiceWorld, file: str, entries: int, payments: int) -> None:
    answer = (await upload(world, (REAL / "iso20022" / f"{file}.xml").read_bytes(), "camt")).json()
    assert (answer["entries"], answer["unmatched"], len(answer["left_out"])) == (entries, payments, entries - payments)
    assert answer["rejected"] == []


@pytest.mark.parametrize(
    ("file", "format_name", "cases", "settled_overpaid_owing"),
    [
        ("roadtraffic100traces.xes", "xes", 100, (39, 0, 61)),
        ("traffic_fines_10k.csv.gz", "traffic-csv", 10_000, (4_314, 40, 5_646)),
    ],
)
async def test_the_road_traffic_log_has_the_balances_of_its_facts(
    world: ServiceWorld, file: str, format_name: str, cases: int, settled_overpaid_owing: tuple[int, int, int]
) -> None:
    facts = json.loads((REAL / "roadtraffic" / "FACTS.json").read_text())[file]
    data = (REAL / "roadtraffic" / file).read_bytes()
    answer = await upload(world, data, format_name)
    assert answer.status_code == 200, answer.text
    row = (
        await world.rows(
            """SELECT count(*) AS cases, sum(payoff_minor - overpaid_minor) AS balance, sum(received_minor) AS paid,
                 count(*) FILTER (WHERE payoff_minor = 0 AND overpaid_minor = 0) AS settled,
                 count(*) FILTER (WHERE overpaid_minor > 0) AS overpaid, count(*) FILTER (WHERE payoff_minor > 0) AS owing
               FROM read.loan_book"""
        )
    )[0]
    owed = sum(int(Decimal(facts[name]) * 100) for name in ("final_amount_sum", "expense_sum"))
    paid = int(Decimal(facts["paid_sum"]) * 100)
    assert (row["cases"], row["balance"], row["paid"]) == (cases, owed - paid, paid)
    assert (row["settled"], row["overpaid"], row["owing"]) == settled_overpaid_owing
    assert (await upload(world, data, format_name, key="again")).json()["imported_before"]


def golden(number: int) -> RawRecord:
    path = next((REAL / "fineract" / "golden").glob(f"0{number}-*.bin"))
    key = (121 if number < 3 else 122).to_bytes(8, "big")
    return RawRecord(TOPIC, 0, number, key, path.read_bytes(), (), datetime(2023, 10, 28, tzinfo=UTC))


async def test_fineract_messages_reach_the_loan_they_name(world: ServiceWorld) -> None:
    await world.hear_records([golden(n) for n in range(1, 5)])
    await world.hear_records([golden(4), golden(6), golden(6)])
    assert world.parked == []
    names = [name for name in await world.names() if name not in ("InstallmentScheduled", "LoanBalanceChanged")]
    assert names == [
        "DebtorRegistered", "LoanImported", "DebtorRegistered", "LoanImported", "RepaymentReceived",
        "RepaymentReversed",
    ]  # fmt: skip
    await world.project()
    rows = {row["loan_id"]: row for row in await world.rows("SELECT * FROM read.loan_book")}
    assert rows[identity.loan_id("default", "fineract/default", "122")]["due_minor"] == 50_000


async def test_a_bulk_is_one_transaction_and_another_key_is_another_posting(world: ServiceWorld) -> None:
    await world.hear_records([golden(3), golden(4), golden(5), golden(5)])
    received = [event for event in await world.log() if event.type == "RepaymentReceived"]
    assert [event.data.amount_minor for event in received if isinstance(event.data, e.RepaymentReceived)] == [
        50_000, 50_000,
    ]  # fmt: skip
    assert world.parked == []
