"""Waiting until a host that was started answers, and answers well."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from devhost.local.console import shortened
from devhost.local.errors import DevError

if TYPE_CHECKING:
    from devhost.local.processes import Process

HOST_START_SECONDS = {"devhost": 60.0, "func": 240.0}  # func downloads its extension bundle on its first start
UNHEALTHY_SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def text(self) -> str:
        return shortened(self.body.decode("utf-8", errors="replace"), 1000)


def try_get(url: str) -> Answer | None:
    """Ask without the proxies that the environment may name; None when nobody answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        return Answer(response.status, response.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def wait_until_healthy(base_url: str, host: Process, start_seconds: float = HOST_START_SECONDS["devhost"]) -> None:
    """Wait until `GET /health` answers 200.

    Raises:
        DevError: The host ended or stayed silent (with its last lines), or stayed unhealthy (with what is).
    """
    silent_until = time.monotonic() + start_seconds
    unhealthy_until: float | None = None
    while True:
        answer = try_get(f"{base_url}/health")
        if answer and answer.status == 200:
            return
        if not host.running:
            message = f"The host ended while starting. Its last lines ({host.log}):\n{host.tail()}"
            raise DevError(message)
        now = time.monotonic()
        if answer:
            unhealthy_until = unhealthy_until or now + UNHEALTHY_SECONDS
            if now > unhealthy_until:
                message = (
                    f"The host answers, but is not healthy ({base_url}/health):\n{health_report(answer)}\n"
                    f"  All it wrote is in {host.log}"
                )
                raise DevError(message)
        elif now > silent_until:
            message = f"The host did not answer in {start_seconds:.0f} s. Its last lines ({host.log}):\n{host.tail()}"
            raise DevError(message)
        time.sleep(0.1)


def health_report(answer: Answer) -> str:
    """The unhealthy dependencies, one a line; the whole answer where it has another form."""
    try:
        dependencies = json.loads(answer.body)["dependencies"]
        sick = [dependency for dependency in dependencies if dependency["status"] != "Healthy"]
        lines = [f"    {dependency['name']}: {dependency['detail']}" for dependency in sick]
    except (ValueError, KeyError, TypeError, AttributeError):
        lines = []
    return "\n".join(lines) or f"    {answer.status} {answer.text}"
