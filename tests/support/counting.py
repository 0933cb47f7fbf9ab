"""Counts what is asked of storage: how much a step costs is better told by requests than by seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from azure.core.pipeline.transport import RequestsTransport


@contextmanager
def counted_requests(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The requests that the SDKs send while the context is open."""
    sent: list[str] = []
    send = RequestsTransport.send

    def note(transport: RequestsTransport, request: Any, **options: Any) -> Any:
        sent.append(f"{request.method} {request.url}")
        return send(transport, request, **options)

    with monkeypatch.context() as patch:
        patch.setattr(RequestsTransport, "send", note)
        yield sent
