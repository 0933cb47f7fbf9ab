"""Waits until a condition becomes true, with a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_POLL_SECONDS = 0.02


def wait_until(
    condition: Callable[[], T],
    seconds: float = 120,
    *,
    explain: Callable[[], object] = lambda: "the condition did not become true in time",
    poll_seconds: float = _POLL_SECONDS,
) -> T:
    """Poll a condition until it returns a true value, and return that value.

    Args:
        seconds: How long to wait. After that the test fails.
        explain: Gives the message of the failure, for example the last lines of a log.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, explain()
        time.sleep(poll_seconds)
    return value
