"""Structured logs: one JSON object a line on stdout, with trace and span id, without personal data."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from opentelemetry import trace
from structlog.typing import Processor

from arrears.telemetry import names

# Telephone, bank card and identity card numbers (10 to 19 digits, a last X in China) and addresses of electronic mail.
# Bounded by something other than a letter, digit or hyphen, so that the parts of a UUID pass.
_PERSONAL: Final = re.compile(r"(?<![\w-])\+?\d{10,19}[Xx]?(?![\w-])|[\w.+-]+@[\w-]+\.[\w.-]+")
_MASK: Final = "[masked]"
_NOISY: Final = ("aiokafka", "httpx", "httpcore", "asyncio", "uvicorn.access")


def setup_logs(service: str, level: str = "INFO") -> None:
    """Send structlog and the standard library's logging through the same processors."""
    shared = _shared_processors(service)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_personal_data,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _shared_processors(service: str) -> list[Processor]:
    def with_service(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line[names.SERVICE] = service
        return line

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        with_service,
        with_trace,
    ]


def with_trace(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the ids of the current span, so that a line leads to its trace and back."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line[names.TRACE_ID] = trace.format_trace_id(context.trace_id)
        line[names.SPAN_ID] = trace.format_span_id(context.span_id)
    return line


def mask_personal_data(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask what looks like a telephone, card or identity number or an e-mail address in any text of the line.

    A net below the rule that personal data is never logged, not a reason to log it.
    """
    for key, value in line.items():
        line[key] = _masked(value)
    return line


def _masked(value: Any) -> Any:
    match value:
        case str():
            return _PERSONAL.sub(_MASK, value)
        case dict():
            return {key: _masked(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_masked(inner) for inner in value]
        case _:
            return value
