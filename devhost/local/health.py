"""Waits until a started host answers and is healthy."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING

from devhost.local.errors import DevError
from shared.local_http import Answer, call

if TYPE_CHECKING:
    from collections.abc import Collection

    from devhost.local.processes import Process

# devhost itself gives the Durable extension 120 s; func downloads its extension bundle when it first starts
HOST_START_SECONDS = {"devhost": 150.0, "func": 240.0}
UNHEALTHY_SECONDS = 25.0  # the report may be ten seconds old


def try_get(url: str, key: str | None = None) -> Answer | None:
    """Send a GET request, and return None if no service answers."""
    try:
        return call("GET", url, {"x-api-key": key} if key else {})
    except (OSError, http.client.HTTPException):
        return None


def wait_until_healthy(
    base_url: str,
    host: Process,
    start_seconds: float = HOST_START_SECONDS["devhost"],
    tolerated: Collection[str] = (),
    key: str | None = None,
    ready_text: str = "",
) -> None:
    """Wait until `GET /health` answers 200.

    Args:
        tolerated: The names of dependencies that need not be healthy.
        key: An API key, if there is one. The service shows details only to callers with a key.
        ready_text: What the host writes to its log when it has its port. Before that, another program may have the
            port, and must not get the key.

    Raises:
        DevError: The host ended or did not answer (the message holds the last lines of its log), or a dependency stayed
            unhealthy (the message names it).
    """
    silent_until = time.monotonic() + start_seconds
    unhealthy_until: float | None = None
    while True:
        answer = try_get(f"{base_url}/health", key) if host.has_written(ready_text) else None
        if answer and (answer.status == 200 or (tolerated and unhealthy_names(answer) <= set(tolerated))):
            return
        if not host.running:
            message = f"The host ended while it started. Its log ({host.log}) ends with:\n{host.tail()}"
            raise DevError(message)
        now = time.monotonic()
        if answer:
            unhealthy_until = unhealthy_until or now + UNHEALTHY_SECONDS
            if now > unhealthy_until:
                message = (
                    f"The host answers, but is not healthy ({base_url}/health):\n{health_report(answer)}\n"
                    f"  Its whole log is in {host.log}"
                )
                raise DevError(message)
        elif now > silent_until:
            message = f"No answer within {start_seconds:.0f} s. The host's log ({host.log}) ends with:\n{host.tail()}"
            raise DevError(message)
        time.sleep(0.1)


def unhealthy_names(answer: Answer) -> set[str]:
    """Return the names of the unhealthy dependencies. An answer of another form counts as one without a name."""
    try:
        dependencies = json.loads(answer.body)["dependencies"]
        return {dependency["name"] for dependency in dependencies if dependency["status"] != "Healthy"} or {""}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {""}


def health_report(answer: Answer) -> str:
    """List the unhealthy dependencies, one a line. If the answer has another form, return all of it."""
    try:
        dependencies = json.loads(answer.body)["dependencies"]
        unhealthy = [dependency for dependency in dependencies if dependency["status"] != "Healthy"]
        lines = [f"    {dependency['name']}: {dependency.get('detail') or 'not healthy'}" for dependency in unhealthy]
    except (ValueError, KeyError, TypeError, AttributeError):
        lines = []
    return "\n".join(lines) or f"    {answer.status} {answer.text}"
