"""A little HTTP client for services on this machine; standard library only."""

from __future__ import annotations

import contextlib
import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class DemoError(Exception):
    """The service did not do as asked; the message says what it did instead, and is for a person's eyes."""


def shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return shortened(self.body.decode("utf-8", errors="replace"), 1000)

    def json(self) -> dict[str, Any]:
        content = json.loads(self.body)
        if not isinstance(content, dict):
            message = f"Expected a JSON object, got: {self.text}"
            raise DemoError(message)
        return content


@contextlib.contextmanager
def request(
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
    timeout_seconds: float = 30,
) -> Iterator[http.client.HTTPResponse]:
    """One request, without the proxies that the environment may name: every address here is on this machine."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_seconds)
    try:
        connection.request(method, parts._replace(scheme="", netloc="").geturl(), body, dict(headers or {}))
        yield connection.getresponse()
    finally:
        connection.close()


def call(method: str, url: str, headers: Mapping[str, str] | None = None, body: str | None = None) -> Answer:
    with request(method, url, headers, body) as response:
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())


def expect(answer: Answer, statuses: Iterable[int], doing: str) -> Answer:
    if answer.status in statuses:
        return answer
    message = f"{doing} was answered with {answer.status}:\n    {answer.text}"
    raise DemoError(message)
