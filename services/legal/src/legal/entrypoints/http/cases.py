"""GET /v1/cases/{legal_case_id}: a legal case, its claim, and what the court's steps would cost."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel

from arrears.runtime import Runtime
from arrears.values.court_fees import (
    enforcement_fee_minor,
    filing_fee_minor,
    payment_order_fee_minor,
    preservation_fee_minor,
    summary_fee_minor,
)
from legal.adapters.readers import legal_case


class ClaimAnswer(BaseModel):
    """What is claimed, by component, in minor units."""

    principal_minor: int
    interest_minor: int
    penalty_minor: int
    cost_minor: int
    total_minor: int
    currency: str
    as_of: date


class CourtFees(BaseModel):
    """What the court charges for each step on this claim, in fen (State Council order 481)."""

    ordinary_minor: int
    summary_minor: int
    payment_order_minor: int
    preservation_minor: int
    enforcement_minor: int


class LegalCaseAnswer(BaseModel):
    """One legal case; `court_fees` is null where the claim is not in yuan."""

    legal_case_id: str
    case_id: str
    debtor_id: str
    loan_ids: list[str]
    status: str
    route: str
    claim: ClaimAnswer
    court_fees: CourtFees | None
    expected_net_minor: int
    approved_by: list[str]
    recovered_minor: int
    outcome: str | None
    cost_minor: int | None
    closed_on: date | None
    updated_at: datetime


def case_routes(runtime: Runtime) -> APIRouter:
    """Return the routes of legal cases."""
    router = APIRouter(tags=["cases"])

    @router.get("/v1/cases/{legal_case_id}")
    async def get_case(legal_case_id: Annotated[str, Path(max_length=64)]) -> LegalCaseAnswer:
        """Return a legal case."""
        row = await legal_case(runtime.database, legal_case_id)
        claim = _claim(row)
        return LegalCaseAnswer.model_validate({**row, "claim": claim, "court_fees": _fees(claim)})

    return router


def _claim(row: dict[str, Any]) -> ClaimAnswer:
    parts = {
        "principal_minor": row["principal_minor"],
        "interest_minor": row["interest_minor"],
        "penalty_minor": row["penalty_minor"],
        "cost_minor": row["costs_claimed_minor"],
    }
    return ClaimAnswer(**parts, total_minor=sum(parts.values()), currency=row["currency"], as_of=row["as_of"])


def _fees(claim: ClaimAnswer) -> CourtFees | None:
    if claim.currency != "CNY" or claim.total_minor <= 0:
        return None
    total = claim.total_minor
    return CourtFees(
        ordinary_minor=filing_fee_minor(total),
        summary_minor=summary_fee_minor(total),
        payment_order_minor=payment_order_fee_minor(total),
        preservation_minor=preservation_fee_minor(total),
        enforcement_minor=enforcement_fee_minor(total),
    )
