"""The id of the request that a piece of work belongs to: the caller's `x-request-id`, or a new one."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "x-request-id"
PATTERN = "[A-Za-z0-9._-]{1,64}"

_REQUEST: ContextVar[str | None] = ContextVar("request", default=None)


def request_id_of(headers: Mapping[str, str]) -> str:
    """Return the caller's id of the request; a new one if the header is missing or is not of the form `PATTERN`."""
    sent = headers.get(HEADER, "")
    return sent if re.fullmatch(PATTERN, sent) else uuid.uuid4().hex


@contextmanager
def serving(request: str | None) -> Iterator[None]:
    """Let everything inside this context belong to a request. None: to no request."""
    token = _REQUEST.set(request)
    try:
        yield
    finally:
        _REQUEST.reset(token)


def current_request() -> str | None:
    """Return the id of the request that the caller works for; None outside of one."""
    return _REQUEST.get()
