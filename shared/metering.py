"""Counts the requests that a piece of work sends to Azure Storage, including the SDK's own retries."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Meter:
    """Counts requests and sent bytes. Thread-safe; `shared.invocations.carried` makes it current in another thread."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.bytes_sent = 0
        self._began = time.monotonic()
        self._lock = Lock()

    @property
    def seconds(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self._began

    def add(self, kind: str, sent_bytes: int) -> None:
        with self._lock:
            self.requests[kind] += 1
            self.bytes_sent += sent_bytes


_METER: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metering() -> Iterator[Meter]:
    """Count the requests that are sent inside this context."""
    meter = Meter()
    token = _METER.set(meter)
    try:
        yield meter
    finally:
        _METER.reset(token)


def current_meter() -> Meter | None:
    """Return the meter of the innermost `metering` context, or None outside of one."""
    return _METER.get()


def meter_request(service: str, request: Any) -> None:
    """Count a request. The SDKs call this as `raw_request_hook` for every request they send, retries included.

    Args:
        service: `blob` or `table`.
        request: `azure.core.pipeline.PipelineRequest`.
    """
    meter = _METER.get()
    if meter is not None:
        sent = request.http_request
        length = sent.headers.get("Content-Length", "")
        meter.add(_kind(service, sent.method, sent.url), int(length) if length.isdecimal() else 0)


def _kind(service: str, method: str, url: str) -> str:
    """Return the price class of a request. Lists and new containers cost as much as writes; deleting a blob is free."""
    if method in ("GET", "HEAD"):
        return f"{service}_write" if "list" in parse_qs(urlsplit(url).query).get("comp", ()) else f"{service}_read"
    return "blob_delete" if (service, method) == ("blob", "DELETE") else f"{service}_write"
