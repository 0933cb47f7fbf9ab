"""Sends HTTP requests as the tests need it: an error status is a response like any other, not an exception."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Response:
    """A response of the system. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """Send one request, and follow redirects."""
    try:
        with urlopen(Request(url, body, dict(headers or {}), method=method), timeout=TIMEOUT_SECONDS) as response:
            return Response(response.status, _lower(response.headers.items()), response.read())
    except HTTPError as error:
        with error:
            return Response(error.code, _lower(error.headers.items()), error.read())


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}
