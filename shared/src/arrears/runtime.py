"""A running service: its definition bound to a database, a clock, and the world outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import APIRouter

from arrears.auth.service_tokens import ServiceTokens
from arrears.clock import Clock
from arrears.database import Database
from arrears.decider import Decider
from arrears.eventstore.commands import Commands
from arrears.eventstore.store import EventStore
from arrears.http.problems import StatusTable
from arrears.kafka.inbox import Inbox
from arrears.kafka.sources import Source, Subscription
from arrears.projections import Projection
from arrears.reactions import Reaction
from arrears.settings import Settings
from arrears.signal import Signal
from arrears.wakes import DayRule, InstantRule


@dataclass(frozen=True, slots=True)
class ServiceDefinition:
    """Everything a service is made of: a table of contents of its steps.

    `extra_tasks` are further coroutines of the role `consumer` (audit reads signed heads); `publishes` says whether the
    service has a topic of its own.
    """

    name: str
    title: str
    deciders: Sequence[Decider[Any, Any]]
    sources: Sequence[Source] = ()
    subscriptions: Sequence[Subscription] = ()
    day_rules: Sequence[DayRule] = ()
    instant_rules: Sequence[InstantRule] = ()
    projections: Sequence[Projection] = ()
    reactions: Sequence[Reaction] = ()
    routers: Callable[[Runtime], Sequence[APIRouter]] = lambda _runtime: ()
    extra_tasks: Callable[[Runtime], Sequence[Callable[[], Any]]] = lambda _runtime: ()
    statuses: StatusTable = field(default_factory=dict)
    app_options: dict[str, Any] = field(default_factory=dict)
    publishes: bool = True


@dataclass(slots=True)
class Runtime:
    """What use cases at the edge (routes, reactions) may reach."""

    definition: ServiceDefinition
    settings: Settings
    database: Database
    clock: Clock
    http: httpx.AsyncClient
    tokens: ServiceTokens
    appended: Signal = field(default_factory=Signal)
    store: EventStore = field(init=False)
    commands: Commands = field(init=False)
    inbox: Inbox = field(init=False)

    def __post_init__(self) -> None:
        definition, settings = self.definition, self.settings
        self.store = EventStore(
            definition.name, self.database, partitions=settings.partitions, deciders=definition.deciders,
            virtual=settings.clock == "virtual",
        )  # fmt: skip
        self.inbox = Inbox(
            definition.name, self.store, definition.sources, definition.subscriptions, definition.projections
        )
        self.commands = Commands(self.store, self.clock, self.appended, self.inbox.feeds)

    @property
    def service(self) -> str:
        """The service's name."""
        return self.definition.name
