"""Which traces are kept: what the parent says; a batch with a kept trace among its links; else a ratio of new ones."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes


class LinkedRatio(Sampler):
    """A parent-based ratio that also keeps a span when it links to a kept one.

    Without it a batch of many traces would break each of them: the batch has no parent, only links.
    """

    def __init__(self, ratio: float) -> None:
        self._ratio = TraceIdRatioBased(ratio)
        self._by_parent = ParentBased(self._ratio)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        has_parent = get_current_span(parent_context).get_span_context().is_valid
        linked = not has_parent and any(link.context.trace_flags.sampled for link in links or ())
        sampler = ALWAYS_ON if linked else self._by_parent
        return sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"LinkedRatio{{{self._ratio.rate}}}"
