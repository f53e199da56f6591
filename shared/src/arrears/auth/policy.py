"""Who may use which route: the one table for every route of every service and every page of the console.

A route that has no row here is refused at run time, stops its service from starting and fails a test.
Paths are the templates that FastAPI shows. Rows about one debtor's team or portfolio are narrowed further in SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from arrears.auth.principal import Role

SERVICES: Final = ("ingest", "scoring", "outreach", "legal", "audit", "console")


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may call a route.

    `roles` empty means everybody, signed in or not. `key_required` is False for the few POSTs whose sender cannot
    send an `Idempotency-Key`: browser forms and providers' callbacks, which are made repeatable by their content.
    """

    roles: frozenset[Role]
    key_required: bool = True

    @property
    def public(self) -> bool:
        return not self.roles


PUBLIC: Final = Policy(frozenset())
SIGNED_CALLBACK: Final = Policy(frozenset(), key_required=False)
"""Open to the world, but the handler refuses a body whose signature is wrong."""

PolicyTable = Mapping[tuple[str, str, str], Policy]


def _only(*roles: Role) -> Policy:
    return Policy(frozenset(roles))


def _form(*roles: Role) -> Policy:
    """A form of the console: the page carries its own token against forgery and its own command id."""
    return Policy(frozenset(roles), key_required=False)


_READERS: Final = (Role.collector, Role.lead, Role.legal, Role.auditor, Role.operator)
_SCREENS: Final = (*_READERS, Role.compliance, Role.admin)

_EVERY_SERVICE: Final[dict[tuple[str, str], Policy]] = {
    ("GET", "/livez"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/v1/timeline"): _only(*_READERS, Role.compliance),
    ("GET", "/v1/lag"): _only(Role.operator, Role.auditor),
    ("GET", "/v1/dlq"): _only(Role.operator),
    ("GET", "/v1/dlq/{topic}/{part}/{offset}"): _only(Role.operator),
    ("POST", "/v1/dlq/redrive"): _only(Role.operator),
}

_INGEST: Final[dict[tuple[str, str], Policy]] = {
    ("GET", "/v1/business-days"): _only(*_SCREENS, Role.service),
    ("POST", "/v1/business-days"): _only(Role.operator),
    ("POST", "/v1/files"): _only(Role.operator, Role.core_banking),
    ("GET", "/v1/loans/{loan_id}"): _only(*_READERS),
    ("GET", "/v1/keys/{debtor_id}"): _only(Role.service),
    ("POST", "/v1/reveals"): _only(Role.collector, Role.lead, Role.compliance, Role.legal, Role.auditor),
}

_SCORING: Final[dict[tuple[str, str], Policy]] = {
    ("GET", "/v1/debtors/{debtor_id}/assessment"): _only(*_READERS, Role.compliance),
}

_OUTREACH: Final[dict[tuple[str, str], Policy]] = {
    ("POST", "/v1/contact-decisions"): _only(Role.collector, Role.lead, Role.compliance),
    ("POST", "/v1/contacts"): _only(Role.collector, Role.lead),
    ("POST", "/v1/contacts/{attempt_id}/outcome"): _only(Role.collector, Role.lead),
    ("POST", "/v1/promises"): _only(Role.collector, Role.lead),
    ("GET", "/v1/debtors/{debtor_id}/case"): _only(*_READERS, Role.compliance),
    ("GET", "/v1/call-list"): _only(Role.collector, Role.lead, Role.auditor, Role.operator),
    ("POST", "/v1/providers/sms/status"): SIGNED_CALLBACK,
}

_LEGAL: Final[dict[tuple[str, str], Policy]] = {
    ("GET", "/v1/proposals"): _only(Role.legal, Role.lead, Role.auditor),
    ("POST", "/v1/proposals/{approval_id}/approvals"): _only(Role.legal, Role.lead),
    ("POST", "/v1/proposals/{approval_id}/refusals"): _only(Role.legal, Role.lead),
    ("GET", "/v1/cases/{legal_case_id}"): _only(Role.legal, Role.lead, Role.compliance, Role.auditor),
}

_AUDIT: Final[dict[tuple[str, str], Policy]] = {
    ("GET", "/v1/verification"): _only(Role.auditor, Role.operator, Role.compliance),
    ("GET", "/v1/heads"): _only(Role.auditor, Role.operator, Role.compliance),
    ("GET", "/v1/events"): _only(Role.auditor),
}

_CONSOLE: Final[dict[tuple[str, str], Policy]] = {
    ("GET", "/"): _only(*_SCREENS),
    ("GET", "/debtors"): _only(*_SCREENS),
    ("GET", "/debtors/{debtor_id}"): _only(*_SCREENS),
    ("GET", "/sign-in"): PUBLIC,
    ("GET", "/sign-in/callback"): PUBLIC,
    ("POST", "/sign-out"): _form(*Role),
    ("GET", "/static/console.css"): PUBLIC,
}

_BY_SERVICE: Final = {
    "ingest": _INGEST,
    "scoring": _SCORING,
    "outreach": _OUTREACH,
    "legal": _LEGAL,
    "audit": _AUDIT,
    "console": _CONSOLE,
}

POLICY: Final[PolicyTable] = {
    (service, method, path): policy
    for service in SERVICES
    for (method, path), policy in (_EVERY_SERVICE | _BY_SERVICE[service]).items()
}
