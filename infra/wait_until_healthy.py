"""Waits until a deployed service is healthy: `python infra/wait_until_healthy.py URL [SECONDS]`.

Role assignments of a first deployment take effect only after some minutes. Until then the app cannot read its storage
and its secrets, and `/health` says so. Exit code 0: healthy. 1: not healthy in time; the last answer is printed.
"""

from __future__ import annotations

import http.client
import sys
import time
import urllib.error
import urllib.request

_SECONDS, _PAUSE_SECONDS, _TIMEOUT_SECONDS = 900.0, 5.0, 60.0
"""A role assignment takes up to ten minutes; a cold start takes up to half a minute."""


def health(url: str) -> tuple[bool, str]:
    """Return whether the service is healthy, and its answer in words."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
            return response.status == http.client.OK, response.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return False, f"{error.code} {error.read().decode(errors='replace')}"
    except (OSError, http.client.HTTPException) as error:
        return False, f"no answer: {error}"


def wait(url: str, seconds: float = _SECONDS, pause: float = _PAUSE_SECONDS) -> int:
    """Ask until the service is healthy or the time is over. Return the exit code."""
    deadline = time.monotonic() + seconds
    is_healthy, answer = health(url)
    while not is_healthy and time.monotonic() < deadline:
        time.sleep(pause)
        is_healthy, answer = health(url)
    if is_healthy:
        print(f"{url} is healthy.")  # noqa: T201
        return 0
    print(f"{url} is not healthy after {seconds:.0f} s. Its last answer:\n{answer}", file=sys.stderr)  # noqa: T201
    return 1


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2) or not arguments[0].startswith(("http://", "https://")):
        print("Usage: python infra/wait_until_healthy.py URL [SECONDS]", file=sys.stderr)  # noqa: T201
        return 2
    return wait(arguments[0], *(float(text) for text in arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
