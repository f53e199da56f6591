"""Set up telemetry once a process. Prometheus is always on; spans leave the process only when a collector is named."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from arrears.telemetry import names
from arrears.telemetry.logs import setup_logs
from arrears.telemetry.sampling import LinkedRatio

DEFAULT_RATIO: Final = 0.01


class InvalidTelemetrySetting(ValueError):
    """OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1."""


def setup_telemetry(service: str, environ: Mapping[str, str]) -> None:
    """Set up logs, metrics and traces of this process; call it once, before the application is made.

    `OTEL_EXPORTER_OTLP_ENDPOINT` switches the span exporter on, `OTEL_TRACES_SAMPLER_ARG` is the ratio of new traces
    that are kept (0.01), `ARREARS_LOG_LEVEL` the level of the logs (info).

    Raises:
        InvalidTelemetrySetting: the ratio is none.
    """
    setup_logs(service, environ.get("ARREARS_LOG_LEVEL", "info"))
    resource = Resource.create(
        {
            names.SERVICE_NAME: service,
            names.SERVICE_INSTANCE_ID: f"{socket.gethostname()}/{os.getpid()}",
            names.DEPLOYMENT_ENVIRONMENT_NAME: environ.get("ARREARS_ENV", "development"),
        },
        names.SCHEMA_URL,
    )
    metrics.set_meter_provider(MeterProvider([PrometheusMetricReader()], resource))
    exports = bool(environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    # Without a collector no new trace is kept, but ids are still made: logs and events can be tied by them.
    tracers = TracerProvider(LinkedRatio(_ratio(environ) if exports else 0.0), resource)
    if exports:
        tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracers)


def _ratio(environ: Mapping[str, str]) -> float:
    text = environ.get("OTEL_TRACES_SAMPLER_ARG", str(DEFAULT_RATIO))
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0.0 <= ratio <= 1.0:
        raise InvalidTelemetrySetting(f"OTEL_TRACES_SAMPLER_ARG={text!r} must be a number from 0 to 1")
    return ratio
