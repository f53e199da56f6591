"""Audit as a service: what it hears, keeps and says."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Final

from arrears.runtime import Runtime, ServiceDefinition
from arrears.tree.keys import public_keys
from audit.adapters.copied_record import topic_of
from audit.domain.checkpoint import CHECKPOINT
from audit.entrypoints.http.verification import verification_router
from audit.entrypoints.verifier import verifier_task
from audit.projections.copy import COPY, SERVICES


def _tasks(runtime: Runtime) -> Sequence[Callable[[], Any]]:
    keys = public_keys(runtime.settings.home, os.environ.get("ARREARS_PUBLIC_KEYS", ""))
    return [verifier_task(runtime, keys)]


AUDIT: Final = ServiceDefinition(
    name="audit",
    title="Arrears: audit",
    deciders=(CHECKPOINT,),
    sources=tuple(topic_of(service) for service in SERVICES),
    projections=(COPY,),
    routers=lambda runtime: [verification_router(runtime)],
    extra_tasks=_tasks,
)
