"""Counts what a piece of work asks of Azure Storage: every request that leaves, repeats by the SDK included."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

T = TypeVar("T")


class Meter:
    """What has been asked for so far. Threads may share it; `metered_as_here` takes it along to them."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.bytes_sent = 0
        self._began = time.monotonic()
        self._lock = Lock()

    @property
    def seconds(self) -> float:
        """How long the work has taken until now."""
        return time.monotonic() - self._began

    def add(self, kind: str, sent_bytes: int) -> None:
        with self._lock:
            self.requests[kind] += 1
            self.bytes_sent += sent_bytes


_METER: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metering() -> Iterator[Meter]:
    """Count what is asked for within."""
    meter = Meter()
    token = _METER.set(meter)
    try:
        yield meter
    finally:
        _METER.reset(token)


def current_meter() -> Meter | None:
    """The meter that counts here, if one does."""
    return _METER.get()


def metered_as_here(function: Callable[..., T]) -> Callable[..., T]:
    """Wrap what other threads are to run, so that the meter of here counts there too."""
    meter = _METER.get()

    @wraps(function)
    def run(*args: Any) -> T:
        token = _METER.set(meter)
        try:
            return function(*args)
        finally:
            _METER.reset(token)

    return run


def meter_request(service: str, request: Any) -> None:
    """Count a request; a hook of the SDKs (`raw_request_hook`), which call it for every request that leaves.

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
    """Sorted as Azure prices them: lists and new containers of blobs cost what writes do, their deletion nothing."""
    if method in ("GET", "HEAD"):
        return f"{service}_write" if "list" in parse_qs(urlsplit(url).query).get("comp", ()) else f"{service}_read"
    return "blob_delete" if (service, method) == ("blob", "DELETE") else f"{service}_write"
