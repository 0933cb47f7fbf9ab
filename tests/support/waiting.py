"""Waits until a condition becomes true, with a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

T = TypeVar("T")
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 0.25


def wait_until(
    condition: Callable[[], T],
    seconds: float = 120,
    *,
    explain: Callable[[], object] = lambda: "the condition did not become true in time",
    poll_seconds: float = 0.0,
) -> T:
    """Poll a condition until it returns a true value, and return that value.

    Args:
        seconds: How long to wait. After that the test fails.
        explain: Gives the message of the failure, for example the last lines of a log.
        poll_seconds: The shortest pause between two polls.
    """
    began = time.monotonic()
    while not (value := condition()):
        assert time.monotonic() < began + seconds, explain()
        pause(time.monotonic() - began, poll_seconds)
    return value


def pause(waited_seconds: float, shortest_seconds: float = 0.0) -> None:
    """Pause before the next poll: the longer the wait has been, the longer, because polls slow down what they await."""
    usual_seconds = min(_LONGEST_PAUSE_SECONDS, max(_SHORTEST_PAUSE_SECONDS, waited_seconds / 20))
    time.sleep(max(shortest_seconds, usual_seconds))


def leave_midnight_behind(minutes: float = 2) -> None:
    """Wait for the next day (UTC) if it begins within these minutes, for tests of what is counted by the day."""
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if midnight - now < timedelta(minutes=minutes):
        time.sleep((midnight - now).total_seconds() + 1)
