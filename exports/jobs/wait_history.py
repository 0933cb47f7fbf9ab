"""Remembers how long small jobs took, so that waiting requests read them when they are likely to have ended."""

from __future__ import annotations

from collections import deque

SHORTEST_PAUSE_SECONDS = 0.06
"""No job ends sooner."""

_SMALL_JOB_SECONDS = 1.0
_REMEMBERED = 8
_SHARE_OF_SHORTEST = 0.9


class WaitHistory:
    """How long the last small jobs that this process waited for took.

    A read that comes too early costs a storage request, and one that comes too late delays the answer. Only the event
    loop uses it, so it needs no lock.
    """

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)

    def add(self, seconds: float) -> None:
        """Remember how long a job took. Long jobs are ignored: they say nothing about small ones."""
        if seconds <= _SMALL_JOB_SECONDS:
            self._seconds.append(seconds)

    def first_pause_seconds(self) -> float:
        """Return how long to wait before the first read: a little less than the fastest of the last jobs took."""
        shortest = min(self._seconds, default=0.0)
        return max(SHORTEST_PAUSE_SECONDS, shortest * _SHARE_OF_SHORTEST)
