"""The small part of curl and of consoles that docs/api.md uses, read strictly."""

from __future__ import annotations

import http.client
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.support.system import Answer

MORE = "…"
_TELLING = ("/status", "/type", "/title", "/detail", "/name", "/pointer")


@dataclass
class Shown:
    """A command of a console, and the answer shown below it. `body` is None where none is shown."""

    command: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


def read_console(block: str) -> Iterator[Shown]:
    """Part a console into its commands, each with the answer that follows."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, answer = re.split(r"^HTTP/1\.1 ", part, maxsplit=1, flags=re.MULTILINE)
        head, _, body = answer.partition("\n\n")
        status, *headers = head.strip().splitlines()
        yield Shown(
            command.replace("\\\n", " ").strip(),
            int(status.split()[0]),
            {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in headers)},
            json.loads(body) if body.strip() else None,
        )


def run_curl(command: str, variables: Mapping[str, str]) -> tuple[str, str, Answer]:
    """Send what a curl command says, following no redirect; method, URL and answer."""
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
            assert not word.startswith("-"), f"curl {word} is more than this reads"
            url = word
    method = method or ("GET" if body is None else "POST")
    return method, url, _send(method, url, headers, body)


def _expand(command: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$([A-Z]+)", lambda found: variables[found[1]], command)


def _send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request(method, f"{parts.path}?{parts.query}".rstrip("?"), body, dict(headers))
        answer = connection.getresponse()
        sent = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, sent, answer.read())
    finally:
        connection.close()


def differences(shown: Any, sent: Any, where: str = "") -> Iterator[str]:
    """Tell where a shown value has another shape than the one sent.

    Objects have the same names, unless the shown one says that there are more; the first items of lists are compared.
    Values have the same type; a code or a status that tells what happened is the same.
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
    elif _kind(shown) != _kind(sent) or (where.endswith(_TELLING) and shown != sent):
        yield f"{where}: shown {shown!r}, sent {sent!r}"


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)
