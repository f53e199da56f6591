"""One debtor's story as events of all services, for the read models and the pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from arrears.events.ingest import (
    DebtorRegistered,
    DelinquencyBucketChanged,
    LoanBalanceChanged,
    LoanCured,
    LoanImported,
    LoanOverdue,
    RepaymentReceived,
)
from arrears.events.legal import Claim, EscalatedToLegal
from arrears.events.outreach import CaseClosed, CaseHeld, CaseOpened, ContactAttempted, PromiseMade, PromisePart
from arrears.events.registry import Event, encode, type_of
from arrears.events.scoring import DebtorScored
from arrears.recorded import Actor, Meta, Recorded, encode_meta
from arrears.values.balance import Components
from arrears.values.identity import debtor_id, loan_id

NINE = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DEBTOR = debtor_id("default", "core", "C-1001")
LOAN = loan_id("default", "core", "L-2001")
CASE = "case-1"


class Teller:
    """Numbers events of several services as their logs would."""

    def __init__(self, debtor: str = DEBTOR) -> None:
        self._debtor = debtor
        self._positions: dict[str, int] = {}

    def tell(
        self, source: str, event: Event, at: datetime, *, cause: str = "", on: date | None = None,
        recorded: datetime | None = None, actor: str = "system:rule",
    ) -> Recorded:  # fmt: skip
        position = self._positions[source] = self._positions.get(source, 0) + 1
        kind, _, name = actor.partition(":")
        meta = Meta(
            actor=Actor(kind=kind, id=name), causation=cause, effective_on=on  # type: ignore[arg-type]
        )  # fmt: skip
        told = type_of(type(event))
        return Recorded(
            source, position, f"{source}/{position}", f"s/{self._debtor}", position, self._debtor, 0, told.name,
            told.version, at, recorded or at, meta, encode(event), encode_meta(meta), event,
        )  # fmt: skip


def story(debtor: str = DEBTOR, ref: str = "1001") -> list[Recorded]:
    """Return a journey from booking to legal and back."""
    return list(_journey(Teller(debtor), ref, LOAN if debtor == DEBTOR else f"loan-{ref}", f"case-{ref}"))


def _journey(teller: Teller, ref: str, loan: str, case: str) -> Iterator[Recorded]:
    tell, day = teller.tell, timedelta(days=1)
    yield tell("ingest", DebtorRegistered(source="core", customer_ref=f"C-{ref}", zone="Asia/Shanghai"), NINE)
    yield tell(
        "ingest",
        LoanImported(
            loan_id=loan, external_ref=f"L-{ref}", source="core", product="consumer", currency="CNY",
            principal_minor=1_200_000, disbursed_on=date(2026, 1, 5), maturity_on=date(2027, 1, 5), annual_rate="0.12",
            penalty_multiplier="1.5", day_count="ACT360", grace_days=0, tolerance_minor=0,
        ),
        NINE,
    )  # fmt: skip
    yield tell("ingest", _overdue(loan), NINE + day)
    yield tell("ingest", _balance(loan), NINE + day)
    yield tell("scoring", _scored(loan), NINE + day, cause="ingest/3")
    yield tell(
        "outreach",
        CaseOpened(
            case_id=case, loan_ids=(loan,), total_overdue_minor=106_580, currency="CNY", stage="M1",
            opened_on=date(2026, 3, 3),
        ),
        NINE + day, cause="ingest/3",
    )  # fmt: skip
    yield tell("outreach", _called(case, loan), NINE + 2 * day, cause="outreach/1", actor="user:collector-1")
    yield tell("outreach", _promised(case, loan), NINE + 2 * day, cause="outreach/2", actor="user:collector-1")
    yield tell(
        "ingest",
        RepaymentReceived(
            repayment_id="r-1", loan_id=loan, amount_minor=50_000, currency="CNY", value_on=date(2026, 3, 6),
            received_at=NINE + 9 * day, channel="transfer", payer_kind="debtor", external_txn="t", allocation=(),
            overpayment_minor=0, policy_id="p",
        ),
        NINE + 9 * day, on=date(2026, 3, 6), cause="camt#1",
    )  # fmt: skip
    yield tell(
        "ingest",
        DelinquencyBucketChanged(
            loan_id=loan, episode_id="e", from_bucket="M1", to_bucket="M4", days_past_due=95, delinquent_days=95,
            as_of=date(2026, 6, 5), cause="ageing",
        ),
        NINE + 95 * day,
    )  # fmt: skip
    yield tell("outreach", CaseHeld(case_id=case, reason="legal"), NINE + 95 * day)
    yield tell(
        "legal",
        EscalatedToLegal(
            legal_case_id="lc-1", case_id=case, loan_ids=(loan,),
            claim=Claim(principal_minor=1_150_000, interest_minor=0, penalty_minor=0, cost_minor=0), currency="CNY",
            as_of=date(2026, 6, 5), route="payment_order", expected_net_minor=1, approved_by=("legal-1", "legal-2"),
        ),
        NINE + 96 * day, recorded=NINE + 96 * day + timedelta(hours=5), cause="outreach/4",
    )  # fmt: skip
    yield tell(
        "ingest",
        LoanCured(
            loan_id=loan, episode_id="e", cured_on=date(2026, 6, 20), days_past_due_max=110, cured_by="legal",
            paid_off=True,
        ),
        NINE + 110 * day,
    )  # fmt: skip
    yield tell("outreach", CaseClosed(case_id=case, reason="paid_off", on=date(2026, 6, 20)), NINE + 110 * day)


def _overdue(loan: str) -> LoanOverdue:
    return LoanOverdue(
        loan_id=loan, episode_id="e", overdue_since=date(2026, 3, 2), as_of=date(2026, 3, 3), days_past_due=1,
        bucket="M1", currency="CNY", overdue=Components(principal_minor=100_000, interest_minor=6_580),
        total_due_minor=106_580, payoff_minor=1_206_580, oldest_no=1, prior_episodes=0,
    )  # fmt: skip


def _balance(loan: str) -> LoanBalanceChanged:
    return LoanBalanceChanged(
        loan_id=loan, as_of=date(2026, 3, 3), currency="CNY", due=Components(principal_minor=100_000),
        not_due=Components(principal_minor=1_100_000), accruing=(), payoff_minor=1_206_580,
    )  # fmt: skip


def _scored(loan: str) -> DebtorScored:
    return DebtorScored(
        loan_ids=(loan,), model_id="baseline", model_version=1, p_self_cure="0.31", p_pay_30d="0.44", p_contact="0.7",
        expected_recovery_minor=500_000, band="C", reason_codes=(), feature_hash="f", scored_at=NINE,
    )  # fmt: skip


def _called(case: str, loan: str) -> ContactAttempted:
    return ContactAttempted(
        attempt_id="a-1", case_id=case, loan_ids=(loan,), channel="voice", direction="outbound", contact_point_id="cp",
        started_at=NINE, duration_seconds=180, disposition="RPC_PTP", party="debtor", right_party=True,
        initiated_by="human", collector_id="collector-1",
    )  # fmt: skip


def _promised(case: str, loan: str) -> PromiseMade:
    return PromiseMade(
        promise_id="p-1", case_id=case, loan_ids=(loan,),
        parts=(PromisePart(no=1, due_on=date(2026, 3, 6), amount_minor=50_000),), total_minor=50_000, currency="CNY",
        grace_days=2, tolerance_minor=0, promised_on=date(2026, 3, 4), pay_channel="transfer", made_by="debtor",
        attempt_id="a-1", acknowledges_debt=True, taken_by="collector-1",
    )  # fmt: skip
