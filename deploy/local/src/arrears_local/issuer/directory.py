"""The invented people and clients of the development issuer. Nothing here may be reachable in production."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from arrears.auth.principal import Role


@dataclass(frozen=True, slots=True)
class User:
    """A person whom a developer can become by one click."""

    subject: str
    name: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Client:
    """A program that may ask for tokens: `roles` for itself, `callback_path` for people who sign in through it."""

    client_id: str
    roles: frozenset[Role]
    callback_path: str | None = None

    @property
    def secret(self) -> str:
        """Published on purpose: it only stops a mistyped client id from passing."""
        return f"{self.client_id}-development-secret"


def _user(subject: str, name: str, *roles: Role) -> User:
    return User(subject, name, frozenset(roles))


# Two of each role that approves something: whoever asked for it may not approve it.
USERS: Final = {
    user.subject: user
    for user in (
        _user("collector-1", "陈静 Chen Jing", Role.collector),
        _user("collector-2", "Ana Souza", Role.collector),
        _user("lead-1", "王磊 Wang Lei", Role.lead),
        _user("lead-2", "Ruth Adler", Role.lead),
        _user("compliance-1", "李敏 Li Min", Role.compliance),
        _user("legal-1", "赵宁 Zhao Ning", Role.legal),
        _user("legal-2", "Peter Novak", Role.legal),
        _user("auditor-1", "孙悦 Sun Yue", Role.auditor),
        _user("operator-1", "Priya Nair", Role.operator),
        _user("admin-1", "周航 Zhou Hang", Role.admin),
        _user("agency-1", "Northgate Recoveries", Role.agency),
    )
}

CLIENTS: Final = {
    client.client_id: client
    for client in (
        Client("ingest", frozenset({Role.service})),
        Client("scoring", frozenset({Role.service})),
        Client("outreach", frozenset({Role.service})),
        Client("legal", frozenset({Role.service})),
        Client("audit", frozenset({Role.service})),
        Client("console", frozenset({Role.service}), callback_path="/sign-in/callback"),
        Client(
            "simulator",
            frozenset({Role.core_banking, Role.operator, Role.collector, Role.lead, Role.legal, Role.auditor}),
            callback_path="/callback",
        ),
        Client("cli", frozenset({Role.operator, Role.auditor}), callback_path="/callback"),
    )
}
