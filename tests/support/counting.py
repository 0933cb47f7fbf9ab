"""Counts the requests to storage. They measure the cost of a step more reliably than its duration does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from azure.core.pipeline.transport import RequestsTransport


@contextmanager
def counted_requests(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collect the method and URL of every request that the Azure SDKs send while the context is open."""
    sent: list[str] = []
    send = RequestsTransport.send

    def record(transport: RequestsTransport, request: Any, **options: Any) -> Any:
        sent.append(f"{request.method} {request.url}")
        return send(transport, request, **options)

    with monkeypatch.context() as patch:
        patch.setattr(RequestsTransport, "send", record)
        yield sent
