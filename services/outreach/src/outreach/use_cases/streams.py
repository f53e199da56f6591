"""Where a person's case, contacts and promises stand in the log. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from arrears.decider import StreamRef
from arrears.recorded import Recorded
from outreach.domain.case import CASE
from outreach.domain.contact import CONTACT
from outreach.domain.pack import HOUSE_PACK
from outreach.domain.promise import PROMISE
from outreach.domain.windows import local_day, usable_zones

_HOME = usable_zones((HOUSE_PACK.home_zone,))[0]


def case_of(debtor_id: str) -> StreamRef[Any, Any]:
    """Return the stream of the person's case."""
    return StreamRef(CASE, debtor_id, debtor_id)


def contacts_of(debtor_id: str) -> StreamRef[Any, Any]:
    """Return the stream of the person's contacts."""
    return StreamRef(CONTACT, debtor_id, debtor_id)


def promises_of(loan_id: str, debtor_id: str) -> StreamRef[Any, Any]:
    """Return the stream of the promises about a loan."""
    return StreamRef(PROMISE, loan_id, debtor_id)


def home_day(at: datetime) -> date:
    """Return the lender's calendar date at an instant."""
    return local_day(at, _HOME)


def case_and_contacts(event: Recorded) -> tuple[StreamRef[Any, Any], ...]:
    """Return what a step that concerns the person touches."""
    return case_of(event.debtor_id), contacts_of(event.debtor_id)


def loan_case_and_contacts(event: Recorded) -> tuple[StreamRef[Any, Any], ...]:
    """Return what a step that concerns a loan and its promise touches."""
    data: Any = event.data
    return promises_of(data.loan_id, event.debtor_id), case_of(event.debtor_id), contacts_of(event.debtor_id)
