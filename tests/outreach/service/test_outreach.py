"""Outreach as a service: from the overdue loan to messages, calls, a promise, the strategy's end, legal, and the cure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
from tests.outreach.service.world import (
    DAY,
    DEBTOR,
    LOAN,
    POINT,
    Outreach,
    balance,
    cured,
    outreach,
    overdue,
    paid,
    point,
    treatment,
)
from tests.service_world import folded_one_by_one

from arrears.auth.principal import Role
from arrears.auth.webhooks import twilio_signature
from arrears.database import Database
from arrears.events.ingest import DelinquencyBucketChanged
from arrears.events.legal import Claim, EscalatedToLegal
from arrears.events.outreach import ContactPermitted
from arrears_local.providers.sms import Account
from outreach.adapters.sms_gateway import callback_url
from outreach.projections.call_list import CALL_LIST
from outreach.projections.case_board import CASE_BOARD
from outreach.projections.promise_board import PROMISE_BOARD

SMS_THEN_CALL = ((0, "sms", "overdue-notice"), (2, "voice", "collection-call"))


def day(offset: int) -> date:
    return DAY + timedelta(days=offset)


@pytest.fixture
async def service(database: Database) -> AsyncIterator[Outreach]:
    async with outreach(database) as opened:
        yield opened


async def open_case(service: Outreach, *steps: tuple[int, str, str]) -> None:
    await service.at(DAY, 23)
    await service.hear("ingest", point(), overdue(), balance(500_000, 900_000))
    await service.hear("scoring", treatment(*(steps or SMS_THEN_CALL)))


def escalated(case_id: str) -> EscalatedToLegal:
    claim = Claim(principal_minor=500_000, interest_minor=0, penalty_minor=0, cost_minor=0)
    return EscalatedToLegal(
        legal_case_id="legal-1", case_id=case_id, loan_ids=(LOAN,), claim=claim, currency="CNY", as_of=day(9),
        route="payment_order", expected_net_minor=100, approved_by=("a", "b"),
    )  # fmt: skip


async def test_the_whole_way(service: Outreach) -> None:
    world = service.world
    await open_case(service)
    await world.close_day(DAY)
    await service.at(day(1), 10)
    assert await service.fire() == 1
    await service.react()
    (message,) = service.book.all(None)
    assert "5,000.00 元" in message.body
    await world.close_day(day(1))
    await world.close_day(day(2))

    await service.at(day(3), 9)
    (work,) = (await service.get("/v1/call-list"))["items"]
    assert (work["debtor_id"], work["channel"], work["planned_on"]) == (DEBTOR, "voice", "2026-03-05")
    permit = (await service.post("/v1/contacts", {"debtor_id": DEBTOR, "channel": "voice"}, "k1")).json()
    assert permit["permitted"], permit
    attempt = permit["attempt_id"]
    offer = {
        "debtor_id": DEBTOR, "loan_id": LOAN, "attempt_id": attempt,
        "parts": [{"due_on": day(8).isoformat(), "amount_minor": 500_000}],
    }  # fmt: skip
    promise = await service.post("/v1/promises", offer, "k2")
    assert promise.status_code == 201, promise.text
    outcome = {"debtor_id": DEBTOR, "disposition": "RPC_PTP", "party": "debtor", "duration_seconds": 90}
    assert (await service.post(f"/v1/contacts/{attempt}/outcome", outcome, "k3")).status_code == 200
    case = await service.get(f"/v1/debtors/{DEBTOR}/case")
    assert (case["status"], case["contacts_stopped"]) == ("held", "held:promise")
    assert (await service.get("/v1/call-list"))["items"] == []
    blocked = (await service.post("/v1/contacts", {"debtor_id": DEBTOR}, "k4")).json()
    assert [rule["reason_code"] for rule in blocked["failed"]] == ["BLOCK_CASE_HELD"]

    await service.at(day(8), 12)
    await service.hear("ingest", paid(200_000, day(8)), balance(300_000, 700_000, day(8)))
    for offset in range(3, 11):
        await world.close_day(day(offset))
    names = await world.names()
    assert names.count("PromisePartlyKept") == 1
    case = await service.get(f"/v1/debtors/{DEBTOR}/case")
    assert case["status"] == "open"
    assert case["loans"][0]["due_minor"] == 300_000
    for offset in range(11, 15):
        await world.close_day(day(offset))
    assert (await world.names()).count("TreatmentExhausted") == 1

    await service.at(day(15), 11)
    await service.hear("legal", escalated(case["case_id"]))
    assert (await service.get(f"/v1/debtors/{DEBTOR}/case"))["holds"][0]["reason"] == "legal"
    await service.hear("ingest", balance(0, 0, day(15)), cured(day(15)))
    closed = await service.get(f"/v1/debtors/{DEBTOR}/case")
    assert (closed["status"], closed["contacts_stopped"]) == ("closed", "closed")
    late = (await service.post("/v1/contacts", {"debtor_id": DEBTOR}, "k5")).json()
    assert [rule["reason_code"] for rule in late["failed"]] == ["BLOCK_CONTACT_AFTER_PAID"] * 2
    assert world.parked == []
    for projection in (CASE_BOARD, CALL_LIST, PROMISE_BOARD):
        live = await world.rows(f"SELECT * FROM read.{projection.name} ORDER BY {projection.order_by}")
        assert live == await folded_one_by_one(world, projection)


async def test_a_message_is_sent_once_however_often_the_reaction_runs(service: Outreach) -> None:
    await open_case(service)
    await service.at(day(1), 10)
    await service.fire()
    await service.react()
    await service.react(from_the_start=True)
    (message,) = service.book.all(None)
    assert message.requests == 1
    names = await service.world.names()
    assert (names.count("ContactAttempted"), names.count("StepDone")) == (1, 1)


async def test_a_receipt_is_taken_once_and_only_when_it_is_signed(service: Outreach) -> None:
    await open_case(service)
    await service.at(day(1), 10)
    permit = (await service.post("/v1/contacts", {"debtor_id": DEBTOR, "channel": "sms"}, "k1")).json()
    url = callback_url("http://127.0.0.1:8103", DEBTOR, permit["attempt_id"])
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    signed = {"X-Twilio-Signature": twilio_signature(url, form, Account().token)}
    forged = {"X-Twilio-Signature": twilio_signature(url, form, "another token")}
    async with service.world.client("provider") as client:
        answers = [await client.post(url, data=form, headers=headers) for headers in (signed, signed, forged, {})]
        strange = await client.post(url + "1", data=form, headers=signed)
    assert [answer.status_code for answer in answers] == [204, 204, 403, 403]
    assert strange.status_code == 403
    names = await service.world.names()
    assert names[-3:] == ["ContactAttempted", "MessageDelivered", "StepDone"]


async def test_an_answer_that_got_lost_does_not_send_twice(service: Outreach) -> None:
    service.addresses.number = "+8613800000008"
    await open_case(service)
    await service.at(day(1), 10)
    await service.fire()
    await service.react()
    (message,) = service.book.all(None)
    assert message.requests == 2
    assert (await service.world.names()).count("ContactAttempted") == 1


async def test_a_message_that_went_out_before_a_crash_keeps_its_slot_when_it_cannot_be_repeated(
    service: Outreach,
) -> None:
    await open_case(service)
    await service.at(day(1), 10)
    await service.fire()
    service.addresses.number = None  # the process that sent it died; the next one gets no key
    await service.react(from_the_start=True)
    (permit,) = [e.data for e in await service.world.log() if isinstance(e.data, ContactPermitted)]
    assert "ContactReleased" not in await service.world.names()

    url = callback_url("http://127.0.0.1:8103", DEBTOR, permit.attempt_id)
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    signed = {"X-Twilio-Signature": twilio_signature(url, form, Account().token)}
    async with service.world.client("provider") as client:
        answer = await client.post(url, data=form, headers=signed)
    assert answer.status_code == 204
    assert (await service.world.names())[-3:] == ["ContactAttempted", "MessageDelivered", "StepDone"]


async def test_a_refused_message_gives_its_slot_back_and_a_destroyed_key_sends_nothing(service: Outreach) -> None:
    service.addresses.number = "+15005550001"  # the provider says: not a valid number
    await open_case(service)
    await service.at(day(1), 10)
    await service.fire()
    await service.react()
    released = [e.data for e in await service.world.log() if e.type == "ContactReleased"]
    assert [event.reason for event in released] == ["provider_failed"]  # type: ignore[attr-defined]
    service.addresses.number = None
    again = (await service.post("/v1/contacts", {"debtor_id": DEBTOR, "channel": "sms"}, "k1")).json()
    assert again["permitted"]
    assert service.book.all(None) == []


async def test_an_unused_permit_is_released_after_its_minute(service: Outreach) -> None:
    await open_case(service)
    await service.at(day(1), 10)
    permit = (await service.post("/v1/contacts", {"debtor_id": DEBTOR}, "k1")).json()
    await service.at(day(1), 10, 1)
    assert await service.fire() == 2  # the planned message at ten, and the permit
    assert "ContactReleased" in await service.world.names()
    report = {"debtor_id": DEBTOR, "disposition": "NO_ANSWER", "started_at": "2026-03-03T02:05:00Z"}
    late = await service.post(f"/v1/contacts/{permit['attempt_id']}/outcome", report, "k2")
    assert (late.status_code, late.json()["code"]) == (409, "contact-outside-permit")
    report["started_at"] = "2026-03-03T02:00:10Z"
    assert (await service.post(f"/v1/contacts/{permit['attempt_id']}/outcome", report, "k3")).status_code == 200


async def test_stale_balances_block_and_the_message_is_tried_again(service: Outreach) -> None:
    await open_case(service)
    await service.at(day(1), 10, beat=False)
    await service.fire()
    blocked = next(e.data for e in await service.world.log() if e.type == "ContactBlocked")
    assert blocked.reason_code == "BLOCK_STALE_BALANCE"  # type: ignore[attr-defined]
    await service.at(day(1), 10, 2)
    await service.fire()
    assert "ContactPermitted" in await service.world.names()


async def test_a_person_asking_on_stale_balances_is_refused(service: Outreach) -> None:
    await open_case(service)
    await service.at(day(1), 10, beat=False)
    answer = (await service.post("/v1/contacts", {"debtor_id": DEBTOR}, "k1")).json()
    assert [rule["reason_code"] for rule in answer["failed"]] == ["BLOCK_STALE_BALANCE"]


async def test_a_parked_record_of_the_debtor_blocks_every_contact(service: Outreach) -> None:
    await open_case(service)
    await service.at(day(1), 10)
    bad = service.world.record("ingest", DEBTOR, balance(1, 1))
    await service.world.hear_records([bad.__class__(
        bad.topic, bad.partition, bad.offset, bad.key, b"{", bad.headers, bad.at
    )])  # fmt: skip
    await service.beat()
    answer = (await service.post("/v1/contacts", {"debtor_id": DEBTOR}, "k1")).json()
    assert [rule["reason_code"] for rule in answer["failed"]] == ["BLOCK_MISSING_FACT"]


async def test_a_decision_may_be_asked_without_reserving(service: Outreach) -> None:
    await open_case(service)
    await service.at(day(1), 23)
    before = await service.world.names()
    body = {"debtor_id": DEBTOR, "channel": "voice", "contact_point_id": POINT}
    dry = (await service.post("/v1/contact-decisions", body, "k1", Role.compliance)).json()
    assert (dry["permitted"], dry["not_before"]) == (False, "2026-03-04T00:00:00Z")
    assert await service.world.names() == before
    kept = (await service.post("/v1/contact-decisions", body | {"dry_run": False}, "k2")).json()
    assert kept["failed"][0]["rule_id"] == "CN.TIME"
    assert (await service.world.names())[-1] == "ContactBlocked"


async def test_a_repeated_request_gets_the_same_permit(service: Outreach) -> None:
    await open_case(service)
    await service.at(day(1), 10)
    first = (await service.post("/v1/contacts", {"debtor_id": DEBTOR}, "k1")).json()
    again = (await service.post("/v1/contacts", {"debtor_id": DEBTOR}, "k1")).json()
    assert first == again
    assert (await service.world.names()).count("ContactPermitted") == 1


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"loan_id": "another"}, 409, "case-not-open"),
        ({"parts": [{"due_on": "2026-03-01", "amount_minor": 10}]}, 422, "promise-invalid"),
        ({"parts": [{"due_on": "2026-06-01", "amount_minor": 10}]}, 409, "promise-too-far"),
        ({"parts": [{"due_on": "2026-03-10", "amount_minor": 900_001}]}, 409, "promise-above-debt"),
        ({"attempt_id": "unknown"}, 404, "unknown-attempt"),
        ({"parts": []}, 422, "invalid-request"),
    ],
)
async def test_a_promise_that_cannot_be_taken_says_why(
    service: Outreach, changes: dict[str, object], status: int, code: str
) -> None:
    await open_case(service)
    await service.at(day(1), 10)
    body = {"debtor_id": DEBTOR, "loan_id": LOAN, "parts": [{"due_on": "2026-03-10", "amount_minor": 10}]}
    answer = await service.post("/v1/promises", body | changes, "k1")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_reversal_opens_the_case_again(service: Outreach) -> None:
    await open_case(service)
    await service.hear("ingest", balance(0, 0, day(2)), cured(day(2)))
    back = DelinquencyBucketChanged(
        loan_id=LOAN, episode_id=f"{LOAN}/1", from_bucket="M0", to_bucket="M1", days_past_due=5, delinquent_days=5,
        as_of=day(5), cause="reversal",
    )  # fmt: skip
    await service.hear("ingest", back, balance(500_000, 900_000, day(5)))
    case = await service.get(f"/v1/debtors/{DEBTOR}/case")
    assert (case["status"], case["loans"][0]["due_minor"], case["contacts_stopped"]) == ("open", 500_000, "")
    assert (await service.world.names()).count("CaseOpened") == 2


async def test_whoever_is_unknown_has_no_case(service: Outreach) -> None:
    async with service.world.client("lin", Role.collector) as client:
        assert (await client.get("/v1/debtors/nobody/case")).status_code == 404
