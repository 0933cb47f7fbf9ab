"""Records traces and metrics with OpenTelemetry, and sends them by OTLP or to Azure Monitor."""

from __future__ import annotations

import importlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from shared.telemetry import Exporter, TelemetryError, Values

_OTLP = "opentelemetry.exporter.otlp.proto.http"
_CLASSES = {
    Exporter.OTLP: (
        (f"{_OTLP}.trace_exporter", "OTLPSpanExporter"),
        (f"{_OTLP}.metric_exporter", "OTLPMetricExporter"),
    ),
    Exporter.AZURE_MONITOR: (
        ("azure.monitor.opentelemetry.exporter", "AzureMonitorTraceExporter"),
        ("azure.monitor.opentelemetry.exporter", "AzureMonitorMetricExporter"),
    ),
}
_PACKAGES = {
    Exporter.OTLP: "opentelemetry-exporter-otlp-proto-http",
    Exporter.AZURE_MONITOR: "azure-monitor-opentelemetry-exporter",
}
_NEEDS = {
    Exporter.OTLP: ("OTEL_EXPORTER_OTLP_ENDPOINT", "the address of the collector"),
    Exporter.AZURE_MONITOR: ("APPLICATIONINSIGHTS_CONNECTION_STRING", "the connection string of Application Insights"),
}
_SAMPLER, _STATISTICS = "OTEL_TRACES_SAMPLER", "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL"


def make_recorder(exporter: Exporter, version: str) -> OpenTelemetryRecorder:
    """Build a recorder that sends to an exporter in the background.

    The packages of OpenTelemetry read their settings from the environment of the process, so this does too.

    Raises:
        TelemetryError: A setting or a package that the exporter needs is missing.
    """
    name, meaning = _NEEDS[exporter]
    if not os.environ.get(name):
        message = f"{exporter.value} also needs the setting {name}: {meaning}"
        raise TelemetryError(message)
    os.environ.setdefault(_STATISTICS, "true")  # the exporter of Azure would report its own use to Microsoft
    try:
        spans, metrics = (getattr(importlib.import_module(module), each)() for module, each in _CLASSES[exporter])
    except ImportError:
        message = f"{exporter.value} needs the package {_PACKAGES[exporter]}; deploy it, or choose another exporter"
        raise TelemetryError(message) from None
    except ValueError:
        message = f"{exporter.value} cannot use the value of {name}; correct it"
        raise TelemetryError(message) from None
    return OpenTelemetryRecorder(spans, metrics, version)


class OpenTelemetryRecorder:
    """Implements `shared.telemetry.Recorder`."""

    def __init__(self, spans: Any, metrics: Any, version: str) -> None:
        """Send to these exporters.

        Every trace is sampled unless `OTEL_TRACES_SAMPLER` says otherwise: the host passes on spans that it did not
        sample itself, and a parent-based sampler would follow it.
        """
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

        names = {"service.name": "client-export", "service.version": version, "service.instance.id": str(uuid.uuid4())}
        resource = Resource.create(names)
        self._tracers = tracers = TracerProvider(
            resource=resource, sampler=None if os.environ.get(_SAMPLER) else ALWAYS_ON
        )
        tracers.add_span_processor(BatchSpanProcessor(spans))
        self._tracer = tracers.get_tracer("exports", version)
        self._meters = MeterProvider([PeriodicExportingMetricReader(metrics)], resource)
        self._meter = self._meters.get_meter("exports", version)
        self._instruments: dict[str, Any] = {}
        self._lock = Lock()

    def close(self) -> None:
        """Send what is left, and record nothing more. At the end of a process, this happens by itself."""
        self._tracers.shutdown()
        self._meters.shutdown()

    @contextmanager
    def span(self, name: str, parent: str | None, values: Values) -> Iterator[object]:
        """See `Recorder.span`."""
        from opentelemetry.trace import Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span(
            name, context, attributes=_known(values), record_exception=False, set_status_on_exception=False
        ) as current:
            try:
                yield current
            except Exception as error:
                current.set_status(Status(StatusCode.ERROR))
                current.set_attribute("error.type", getattr(error, "code", None) or type(error).__name__)
                raise

    def trace_parent(self) -> str | None:
        """See `Recorder.trace_parent`."""
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        return carrier.get("traceparent")

    def count(self, name: str, amount: int, values: Values) -> None:
        """See `Recorder.count`."""
        self._instrument(name, self._meter.create_counter).add(amount, _known(values))

    def measure(self, name: str, value: float, values: Values) -> None:
        """See `Recorder.measure`."""
        self._instrument(name, self._meter.create_histogram).record(value, _known(values))

    def _instrument(self, name: str, create: Any) -> Any:
        with self._lock:
            if name not in self._instruments:
                self._instruments[name] = create(name)
            return self._instruments[name]


def _known(values: Values) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
