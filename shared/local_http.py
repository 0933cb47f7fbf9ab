"""A small HTTP client for services on this machine. Standard library only, because dev.py uses it before set-up.

It ignores the proxies that environment variables may name, because no proxy can reach this machine's services.
"""

from __future__ import annotations

import contextlib
import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_SHOWN_CHARACTERS = 1000


@dataclass(frozen=True)
class Answer:
    """A response that was read to its end. The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text, cut to a length that can be shown."""
        return shorten(self.body.decode("utf-8", errors="replace"), MAX_SHOWN_CHARACTERS)


@contextlib.contextmanager
def request(
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
    timeout_seconds: float = 30,
) -> Iterator[http.client.HTTPResponse]:
    """Send one request, and yield its response, whose body may then be read in pieces."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_seconds)
    try:
        connection.request(method, parts._replace(scheme="", netloc="").geturl(), body, dict(headers or {}))
        yield connection.getresponse()
    finally:
        connection.close()


def call(method: str, url: str, headers: Mapping[str, str] | None = None, body: str | None = None) -> Answer:
    """Send one request, and return its whole response.

    Raises:
        OSError: The service cannot be reached, or the connection broke.
        http.client.HTTPException: The service did not answer as HTTP demands.
    """
    with request(method, url, headers, body) as response:
        lower_case = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, lower_case, response.read())
