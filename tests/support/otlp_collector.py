"""A collector of traces and metrics on this machine: it receives OTLP over HTTP and keeps what was sent."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from shared.telemetry import Recorder, record_with


@dataclass(frozen=True)
class Span:
    """A span as it was received. `parent`: the id of its parent; empty: it has none."""

    name: str
    trace: str
    id: str
    parent: str
    values: dict[str, Any]
    has_failed: bool


@dataclass
class Collector:
    """What was received so far."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    sums: dict[tuple[str, str, str], float] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def receive(self, path: str, body: bytes) -> None:
        with self.lock:
            if path == "/v1/traces":
                self.spans += _spans(ExportTraceServiceRequest.FromString(body))
            else:
                self.sums |= _sums(ExportMetricsServiceRequest.FromString(body))

    def totals(self) -> Counter[str]:
        """Return the sum of each counter over all processes. Distributions have a `.count` and a `.sum`."""
        totals: Counter[str] = Counter()
        with self.lock:
            for (_, name, _), value in self.sums.items():
                totals[name] += value  # type: ignore[assignment]
        return totals

    def total(self, name: str, values: str) -> float:
        """Return the sum of a counter with these values, such as `status=Completed`."""
        with self.lock:
            return sum(value for (_, each, of), value in self.sums.items() if (each, of) == (name, values))


@contextmanager
def a_collector() -> Iterator[Collector]:
    """Run a collector until the end of the block."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            is_packed = self.headers.get("content-encoding") == "gzip"
            collector.receive(self.path, gzip.decompress(body) if is_packed else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Use a recorder in this process inside this context."""
    record_with(recorder)
    try:
        yield
    finally:
        record_with(None)


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def _spans(request: Any) -> Iterator[Span]:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
                assert not span.events, "an event of a span may hold the text of an error"
                assert not span.status.message
                yield Span(span.name, *ids, _values(span.attributes), span.status.code == 2)


def _sums(request: Any) -> dict[tuple[str, str, str], float]:
    """Return the totals so far, by process, name and values."""
    found: dict[tuple[str, str, str], float] = {}
    for resource in request.resource_metrics:
        process = _values(resource.resource.attributes)["service.instance.id"]
        for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
            for point in (*metric.sum.data_points, *metric.histogram.data_points):
                of = ",".join(f"{name}={value}" for name, value in sorted(_values(point.attributes).items()))
                if metric.WhichOneof("data") == "histogram":
                    found[process, f"{metric.name}.count", of] = point.count
                    found[process, f"{metric.name}.sum", of] = point.sum
                else:
                    found[process, metric.name, of] = point.as_int
    return found
