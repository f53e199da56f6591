"""GET /v1/debtors/{debtor_id}/assessment: what scoring thinks of a debtor, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from arrears.refusals import NotFound
from arrears.runtime import Runtime
from scoring.adapters.board_reader import assessment_row
from scoring.domain.scorecard import MODEL_ID, MODEL_VERSION


class NotAssessed(NotFound):
    """No loan of this debtor was ever overdue, as far as scoring has heard."""


class AssessmentAnswer(BaseModel):
    """The last assessment; probabilities are decimal texts, amounts minor units of `currency`."""

    debtor_id: str
    status: str
    model_id: str = MODEL_ID
    model_version: int = MODEL_VERSION
    band: str | None
    p_self_cure: str | None
    p_pay_30d: str | None
    p_contact: str | None
    expected_recovery_minor: int | None
    currency: str | None
    reason_codes: list[str]
    scored_at: datetime | None
    segment: str | None
    willingness: str | None
    ability: str | None
    treatment_id: str | None
    strategy_id: str | None
    strategy_version: int | None
    arm: str | None
    valid_until: datetime | None
    escalation_target: str | None
    escalation_case_id: str | None
    expected_net_minor: int | None
    cost_minor: int | None
    updated_at: datetime


def assessment_routes(runtime: Runtime) -> APIRouter:
    """Return the routes that read assessments."""
    router = APIRouter(tags=["assessment"])

    @router.get("/v1/debtors/{debtor_id}/assessment")
    async def get_assessment(debtor_id: Annotated[str, Path(max_length=64)]) -> AssessmentAnswer:
        """Return the debtor's last score, segment, treatment and escalation advice."""
        row = await assessment_row(runtime.database, debtor_id)
        if row is None:
            raise NotAssessed("this debtor has not been assessed", debtor_id=debtor_id)
        return AssessmentAnswer.model_validate({**row, "reason_codes": (row["reason_codes"] or "").split()})

    return router
