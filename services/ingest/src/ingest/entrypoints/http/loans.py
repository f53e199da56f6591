"""GET /v1/loans/{loan_id}: one loan as of a day, with its schedule and its money."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from arrears.decider import StreamRef
from arrears.runtime import Runtime
from arrears.values.balance import Components
from ingest.domain.ageing import bucket, days_past_due, delinquent_days
from ingest.domain.balances import balance_changed
from ingest.domain.ledger import oldest_unpaid
from ingest.domain.loan import LOAN
from ingest.domain.loan_state import Loan, LoanState, Unbooked, position_at
from ingest.domain.refusals import LoanUnknown

_REFS = """SELECT s.debtor_id, b.source, b.external_ref, b.payment_reference, b.product
    FROM es.stream s LEFT JOIN read.loan_book b ON b.loan_id = $2 WHERE s.key = $1"""


class ComponentsAnswer(BaseModel):
    """Unpaid minor units by component."""

    cost_minor: int
    fee_minor: int
    penalty_minor: int
    compound_minor: int
    interest_minor: int
    principal_minor: int
    total_minor: int


class InstalmentAnswer(BaseModel):
    """One instalment and what is unpaid of it, without penalty."""

    no: int
    due_on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int


class PartAnswer(BaseModel):
    """Money that paid one component of one instalment."""

    no: int
    component: str
    amount_minor: int


class RepaymentAnswer(BaseModel):
    """One repayment: its parts and what waits add up to its amount, unless it was reversed."""

    repayment_id: str
    amount_minor: int
    value_on: date
    reversed_on: date | None
    parts: list[PartAnswer]
    waiting_minor: int


class LoanAnswer(BaseModel):
    """A loan at the close of `as_of`."""

    loan_id: str
    debtor_id: str
    source: str | None
    external_ref: str | None
    payment_reference: str | None
    product: str | None
    currency: str
    principal_minor: int
    disbursed_on: date
    as_of: date
    days_past_due: int
    delinquent_days: int
    bucket: str
    episode_id: str | None
    due_minor: int
    due: ComponentsAnswer
    not_due: ComponentsAnswer
    payoff_minor: int
    overpaid_minor: int
    unpaid: list[InstalmentAnswer]
    repayments: list[RepaymentAnswer]


def loan_routes(runtime: Runtime) -> APIRouter:
    """Return the routes of loans."""
    router = APIRouter(tags=["loans"])

    @router.get("/v1/loans/{loan_id}")
    async def get_loan(
        loan_id: Annotated[str, Path(max_length=64)], as_of: Annotated[date | None, Query()] = None
    ) -> LoanAnswer:
        """Return the loan; `as_of` is a day of its life, by default the last one told or closed."""
        work = runtime.store.work(runtime.clock.now())
        stream: StreamRef[Any, LoanState] = StreamRef(LOAN, loan_id, "")
        loan = await work.state(stream)
        if isinstance(loan, Unbooked):
            raise LoanUnknown("no such loan is in the book")
        async with runtime.database.connection() as connection:
            refs = await connection.fetchrow(_REFS, stream.key, loan_id)
        return _answer(loan, refs, as_of)

    return router


def _answer(loan: Loan, refs: Any, as_of: date | None) -> LoanAnswer:
    terms = loan.terms
    told = loan.position.as_of if loan.position else terms.disbursed_on
    on = max(as_of or max(told, loan.closed_on), terms.disbursed_on)
    position = position_at(loan, on)
    balance = balance_changed(terms, loan.facts, position)
    oldest = oldest_unpaid(terms, position, on)
    past = days_past_due(oldest.due_on if oldest else None, on)
    episode = loan.open_episode
    return LoanAnswer(
        loan_id=terms.loan_id, debtor_id=refs["debtor_id"], source=refs["source"], external_ref=refs["external_ref"],
        payment_reference=refs["payment_reference"], product=refs["product"], currency=terms.currency,
        principal_minor=terms.principal_minor, disbursed_on=terms.disbursed_on, as_of=on, days_past_due=past,
        delinquent_days=delinquent_days(past, terms.grace_days), bucket=bucket(past),
        episode_id=episode.episode_id if episode else None, due_minor=balance.due.total_minor,
        due=_components(balance.due), not_due=_components(balance.not_due), payoff_minor=balance.payoff_minor,
        overpaid_minor=balance.overpaid_minor,
        unpaid=[
            InstalmentAnswer(
                no=line.no, due_on=line.due_on, principal_minor=line.principal_minor,
                interest_minor=line.interest_minor, fee_minor=line.fee_minor + line.charged_minor,
            )
            for line in position.lines
        ],
        repayments=[
            RepaymentAnswer(
                repayment_id=receipt.repayment_id, amount_minor=receipt.amount_minor, value_on=receipt.value_on,
                reversed_on=receipt.reversed_on, waiting_minor=one.left_minor,
                parts=[PartAnswer(no=p.no, component=p.component, amount_minor=p.amount_minor) for p in one.parts],
            )
            for receipt, one in zip(loan.facts.receipts, position.allocations, strict=True)
        ],
    )  # fmt: skip


def _components(found: Components) -> ComponentsAnswer:
    return ComponentsAnswer(
        cost_minor=found.cost_minor, fee_minor=found.fee_minor, penalty_minor=found.penalty_minor,
        compound_minor=found.compound_minor, interest_minor=found.interest_minor,
        principal_minor=found.principal_minor, total_minor=found.total_minor,
    )  # fmt: skip
