"""Facts that the outreach domain tests share."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from arrears.events.outreach import CaseOpened, ContactPointNoted, ContactsAllowed, LoanBalanceNoted
from arrears.events.scoring import TreatmentSelected, TreatmentStep
from arrears.values.identity import derived_id
from outreach.domain.case_commands import AddOverdueLoan, KeepTreatment
from outreach.domain.case_state import LoanInCase
from outreach.domain.contact import RequestContact
from outreach.domain.gate import ContactRequest, KnownPoint
from outreach.domain.pack import HOUSE_PACK

DEBTOR, LOAN, OTHER_LOAN = "debtor-1", "loan-1", "loan-2"
CASE_ID = derived_id("case", DEBTOR, "0")
DAY = date(2026, 3, 2)
TEN = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)  # ten in the morning in Shanghai
MOBILE = KnownPoint(contact_point_id="mobile-1", kind="mobile", owner="debtor", zones=("Asia/Shanghai",))


def owing(loan_id: str = LOAN, minor: int = 50_000) -> LoanInCase:
    return LoanInCase(loan_id=loan_id, currency="CNY", due_minor=minor, payoff_minor=2 * minor, as_of=DAY)


def overdue(loan_id: str = LOAN, on: date = DAY, points: tuple[KnownPoint, ...] = (MOBILE,)) -> AddOverdueLoan:
    return AddOverdueLoan(DEBTOR, owing(loan_id), "M1", on, points)


def opened() -> tuple[CaseOpened, LoanBalanceNoted]:
    case = CaseOpened(
        case_id=CASE_ID, loan_ids=(LOAN,), total_overdue_minor=50_000, currency="CNY", stage="M1", opened_on=DAY
    )
    return case, noted()


def noted(loan_id: str = LOAN, minor: int = 50_000) -> LoanBalanceNoted:
    return LoanBalanceNoted(
        case_id=CASE_ID, loan_id=loan_id, currency="CNY", due_minor=minor, payoff_minor=2 * minor, as_of=DAY
    )


def step(no: int, offset_days: int, channel: Any = "sms") -> TreatmentStep:
    return TreatmentStep(no=no, offset_days=offset_days, channel=channel, template_id=f"t{no}")


def selected(*steps: TreatmentStep, treatment_id: str = "treatment-1") -> TreatmentSelected:
    return TreatmentSelected(
        treatment_id=treatment_id, loan_ids=(LOAN,), strategy_id="light", version=1, arm="", experiment_id="",
        steps=steps, valid_until=datetime(2026, 12, 31, tzinfo=UTC),
    )  # fmt: skip


def keep(*steps: TreatmentStep, on: date = DAY, treatment_id: str = "treatment-1") -> KeepTreatment:
    return KeepTreatment(selected(*steps, treatment_id=treatment_id), on, (MOBILE,))


def reachable(*points: KnownPoint) -> tuple[ContactPointNoted | ContactsAllowed, ...]:
    found = tuple(
        ContactPointNoted(
            contact_point_id=p.contact_point_id,
            kind=p.kind,
            owner=p.owner,
            zones=p.zones,
            value_sealed="",
            sealed_in="",
        )
        for p in (points or (MOBILE,))
    )
    return (*found, ContactsAllowed(case_id=CASE_ID))


def asking(attempt_id: str = "a1", **changes: Any) -> ContactRequest:
    usual = ContactRequest(attempt_id, DEBTOR, "voice", MOBILE.contact_point_id, TEN, requested_by="user:lin")
    return ContactRequest(**{name: getattr(usual, name) for name in usual.__slots__} | changes)


def request(attempt_id: str = "a1", *, owed_minor: int | None = 100_000, **changes: Any) -> RequestContact:
    asked = asking(attempt_id, **changes)
    fresh = asked.at - timedelta(seconds=10)
    return RequestContact(asked, CASE_ID, (LOAN,), owed_minor, fresh, HOUSE_PACK)


def replaced(point: KnownPoint, **changes: Any) -> KnownPoint:
    return msgspec.structs.replace(point, **changes)
