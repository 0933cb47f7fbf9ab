"""Parses and runs the console examples of docs/api.md: the few options of curl that they use, and nothing else."""

from __future__ import annotations

import http.client
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.support.http_client import Response

MORE = "…"
_EXPLAINING = ("/status", "/type", "/title", "/detail", "/name", "/pointer")


@dataclass
class Shown:
    """A command of a console, and the response shown below it. `body` is None if none is shown."""

    command: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


def read_console(block: str) -> Iterator[Shown]:
    """Split a console block into its commands, each with the response that follows it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, response = re.split(r"^HTTP/1\.1 ", part, maxsplit=1, flags=re.MULTILINE)
        head, _, body = response.partition("\n\n")
        status, *headers = head.strip().splitlines()
        yield Shown(
            command.replace("\\\n", " ").strip(),
            int(status.split()[0]),
            {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in headers)},
            json.loads(body) if body.strip() else None,
        )


def run_curl(command: str, variables: Mapping[str, str]) -> tuple[str, str, Response]:
    """Send the request of a curl command without following redirects; return method, URL and response."""
    words = iter(shlex.split(_expand(command, variables)))
    assert next(words) == "curl"
    method, url, headers, body = None, "", {}, None
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(":")
            headers[name.strip()] = value.strip()
        elif word == "-d":
            body = next(words).encode()
        elif word != "-i":
            assert not word.startswith("-"), f"this does not support the option {word} of curl"
            url = word
    method = method or ("GET" if body is None else "POST")
    return method, url, _send(method, url, headers, body)


def _expand(command: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$([A-Z_]+)", lambda found: variables[found[1]], command)


def _send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request(method, f"{parts.path}?{parts.query}".rstrip("?"), body, dict(headers))
        response = connection.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, received, response.read())
    finally:
        connection.close()


def differences(shown: Any, sent: Any, where: str = "") -> Iterator[str]:
    """Describe every place where a shown value has another shape than the value that the service sent.

    Objects must have the same names, unless the shown one contains `…` for more. Only the first items of lists are
    compared. Values must have the same type. Values that explain the result, for example a status, must be equal.
    """
    if isinstance(shown, dict) and isinstance(sent, dict):
        names = shown.keys() - {MORE}
        if not names <= sent.keys() or (MORE not in shown and names != sent.keys()):
            yield f"{where}: shown {sorted(names)}, sent {sorted(sent)}"
        for name in names & sent.keys():
            yield from differences(shown[name], sent[name], f"{where}/{name}")
    elif isinstance(shown, list) and isinstance(sent, list):
        for first, second in zip(shown[:1], sent[:1], strict=False):
            yield from differences(first, second, f"{where}/0")
    elif _kind(shown) != _kind(sent) or (where.endswith(_EXPLAINING) and shown != sent):
        yield f"{where}: shown {shown!r}, sent {sent!r}"


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)
