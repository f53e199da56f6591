"""Traces, metrics and logs: set up once a process; spans over Kafka are ours because they are a batch, not a record."""

from arrears.telemetry.messaging import process_span, send_span
from arrears.telemetry.setup import setup_telemetry
from arrears.telemetry.trace_context import inject

__all__ = ["inject", "process_span", "send_span", "setup_telemetry"]
