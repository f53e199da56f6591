"""Who listens to what: read from the services' own tables of contents, so that the published table cannot drift.

The services are looked up by name at run time; the kernel does not import them otherwise.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any

from arrears.auth.policy import SERVICES
from arrears.events.ingest import BusinessDayClosed
from arrears.events.registry import Event, EventType
from arrears.runtime import ServiceDefinition


def definitions() -> list[ServiceDefinition]:
    """Return the definition of every service that is installed here."""
    return [found for service in SERVICES if _is_installed(service) for found in _defined_in(service)]


def _is_installed(service: str) -> bool:
    try:
        return find_spec(f"{service}.entrypoints.definition") is not None
    except ModuleNotFoundError:
        return False


def _defined_in(service: str) -> Iterator[ServiceDefinition]:
    module = importlib.import_module(f"{service}.entrypoints.definition")
    unique = {id(value): value for value in vars(module).values() if isinstance(value, ServiceDefinition)}
    return iter(unique.values())


def acts_on(service: ServiceDefinition, kind: EventType) -> bool:
    """Say whether an event of this type starts something in the service: a use case, its day's end, a call outside."""
    if kind.owner == service.name:
        return any(kind.cls in reaction.events for reaction in service.reactions)
    wanted = [subscription.event for subscription in service.subscriptions]
    if service.day_rules:
        wanted.append(BusinessDayClosed)
    return kind.owner in owners_heard(service) and kind.cls in wanted


def shows(service: ServiceDefinition, kind: EventType) -> bool:
    """Say whether a read model of the service follows the type's owner."""
    return any(kind.owner in projection.follows for projection in service.projections)


def owners_heard(service: ServiceDefinition) -> list[str]:
    """Return the owners of the topics that the service reads, itself not among them."""
    return [source.topic.removesuffix(".events") for source in service.sources]


def streams(kind: EventType, services: list[ServiceDefinition]) -> list[str]:
    """Return the kinds of stream in which events of this type stand.

    A stream's events are those that its decider's module knows: `evolve` must name each of them.
    """
    own = [decider for service in services if service.name == kind.owner for decider in service.deciders]
    return [decider.name for decider in own if kind.cls in _events_known_to(decider.evolve)]


@cache
def _events_known_to(evolve: Any) -> set[type[Event]]:
    """Return the event classes that the module of `evolve` names, by themselves or through an imported module."""
    module = sys.modules[getattr(evolve, "func", evolve).__module__]
    named: list[Any] = []
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        match node:
            case ast.Name(id=name):
                named.append(vars(module).get(name))
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                named.append(getattr(vars(module).get(name), attribute, None))
    return {value for value in named if isinstance(value, type) and issubclass(value, Event)}
