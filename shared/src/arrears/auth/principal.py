"""The person or service behind a request. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person or a service may be; the values are those of the token's `roles` claim."""

    collector = "collector"
    lead = "lead"
    compliance = "compliance"
    legal = "legal"
    auditor = "auditor"
    operator = "operator"
    admin = "admin"
    core_banking = "core-banking"
    agency = "agency"
    service = "service"


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller. `subject` is what events record as actor; `name` is for screens only."""

    subject: str
    roles: frozenset[Role]
    tenant: str
    name: str
