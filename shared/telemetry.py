"""Traces and metrics of the service. Nothing is recorded until a recorder is in use, and nothing is imported for it.

`shared/telemetry_export.py` is the recorder on OpenTelemetry. Orchestrators never call this: their code is replayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Protocol

Values = Mapping[str, str | int | float | None]


class Exporter(StrEnum):
    """Where traces and metrics are sent."""

    NONE = "none"
    OTLP = "otlp"
    AZURE_MONITOR = "azure-monitor"


class TelemetryError(Exception):
    """Traces and metrics cannot be recorded as the settings say. The text says what to change."""


class Recorder(Protocol):
    """Records traces and metrics."""

    def span(self, name: str, parent: str | None, values: Values) -> AbstractContextManager[object]:
        """Record a span for the time of a context. `parent`: a `traceparent`; None: the current span, if there is one.

        If the context raises, the span is marked as failed with the kind of the error, never with its text.
        """

    def trace_parent(self) -> str | None:
        """Return the `traceparent` (W3C Trace Context) of the current span; None outside of one."""

    def count(self, name: str, amount: int, values: Values) -> None:
        """Add to a counter."""

    def measure(self, name: str, value: float, values: Values) -> None:
        """Add a value to a distribution."""


_RECORDER: Recorder | None = None


def record_with(recorder: Recorder | None) -> None:
    """Use a recorder in this process from now on; None: record nothing."""
    global _RECORDER  # noqa: PLW0603 - one recorder for each process, like its logging
    _RECORDER = recorder


def span(name: str, parent: str | None = None, **values: str | int | None) -> AbstractContextManager[object]:
    """Record a span for the time of a context, as `Recorder.span`."""
    return nullcontext() if _RECORDER is None else _RECORDER.span(name, parent, values)


def trace_parent() -> str | None:
    """Return the `traceparent` of the current span; None if there is none, or nothing is recorded."""
    return None if _RECORDER is None else _RECORDER.trace_parent()


def count(name: str, amount: int, **values: str | None) -> None:
    """Add to a counter."""
    if _RECORDER is not None:
        _RECORDER.count(name, amount, values)


def measure(name: str, value: float, **values: str | None) -> None:
    """Add a value to a distribution."""
    if _RECORDER is not None:
        _RECORDER.measure(name, value, values)


def nearer_parent(ours: str | None, hosts: str | None) -> str | None:
    """Return the host's span as the parent if it belongs to the trace of ours, otherwise ours, otherwise the host's."""
    if ours and hosts and ours.split("-")[1:2] == hosts.split("-")[1:2]:
        return hosts
    return ours or hosts
