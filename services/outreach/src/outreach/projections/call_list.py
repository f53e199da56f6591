"""call_list: the work that waits for a collector: which debtor, which case, why. Pure but for its SQL.

A row opens with a planned step of a channel that people work, and goes when the step is done, the case is held or closed,
or another treatment begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from arrears.events.outreach import CaseClosed, CaseHeld, StepDone, StepPlanned, TreatmentAdopted
from arrears.projections import Projection, Row, Write
from arrears.recorded import Recorded
from outreach.domain.steps import AUTOMATIC


def _fold(events: Sequence[Recorded]) -> tuple[dict[str, None], dict[tuple[str, int], Row | None]]:
    """Return the cases whose older work is void, and each step's last word: its row, or None when it is done."""
    cleared: dict[str, None] = {}
    steps: dict[tuple[str, int], Row | None] = {}
    for event in events:
        data = event.data
        match data:
            case StepPlanned() if data.channel not in AUTOMATIC:
                steps[data.case_id, data.step_no] = (
                    data.case_id, data.step_no, event.debtor_id, data.channel, data.template_id, data.contact_point_id,
                    " ".join(data.loan_ids), data.on, f"step {data.step_no} of treatment {data.treatment_id}",
                )  # fmt: skip
            case StepDone():
                steps[data.case_id, data.step_no] = None
            case CaseHeld() | CaseClosed() | TreatmentAdopted():
                cleared[data.case_id] = None
                for key in [key for key in steps if key[0] == data.case_id]:
                    del steps[key]
    return cleared, steps


def voided(events: Sequence[Recorded]) -> list[Row]:
    """Return the cases whose rows all go."""
    return [(case_id,) for case_id in _fold(events)[0]]


def done(events: Sequence[Recorded]) -> list[Row]:
    """Return the steps that are done."""
    return [key for key, row in _fold(events)[1].items() if row is None]


def waiting(events: Sequence[Recorded]) -> list[Row]:
    """Return the steps that wait for a collector."""
    return [row for row in _fold(events)[1].values() if row is not None]


_VOID: Final = "DELETE FROM {table} WHERE case_id = ANY($1::text[])"
_DONE: Final = """DELETE FROM {table} t USING unnest($1::text[], $2::int[]) u(case_id, step_no)
    WHERE t.case_id = u.case_id AND t.step_no = u.step_no"""
_WAIT: Final = """INSERT INTO {table} (case_id, step_no, debtor_id, channel, template_id, contact_point_id, loan_ids,
      planned_on, why)
    SELECT case_id, step_no, debtor_id, channel, template_id, contact_point_id, string_to_array(loans, ' '), planned_on, why
    FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::date[], $9::text[])
      u(case_id, step_no, debtor_id, channel, template_id, contact_point_id, loans, planned_on, why)
    ON CONFLICT (case_id, step_no) DO UPDATE SET channel = excluded.channel, template_id = excluded.template_id,
      contact_point_id = excluded.contact_point_id, loan_ids = excluded.loan_ids, planned_on = excluded.planned_on,
      why = excluded.why"""

CALL_LIST: Final = Projection(
    name="call_list",
    version=1,
    follows=frozenset({"outreach"}),
    columns="""case_id text NOT NULL, step_no int NOT NULL, debtor_id text NOT NULL, channel text NOT NULL,
      template_id text NOT NULL, contact_point_id text NOT NULL, loan_ids text[] NOT NULL, planned_on date NOT NULL,
      why text NOT NULL, PRIMARY KEY (case_id, step_no)""",
    order_by="case_id, step_no",
    writes=(Write(voided, _VOID), Write(done, _DONE), Write(waiting, _WAIT)),
    indexes=("CREATE INDEX ON {table} (planned_on, case_id, step_no)",),
)
