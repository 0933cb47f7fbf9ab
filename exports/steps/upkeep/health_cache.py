"""Remembers the last health check of this process, so that many requests for the health cause few checks."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from exports.services import Services
from exports.steps.upkeep.check_health import HealthDto, check_health

CACHE_SECONDS = 10.0
FRESH_SECONDS = 1.0
"""The age of a report for callers who have a key: they want to see whether what they have changed helps."""

_STALE_SECONDS = 60.0


class HealthCache:
    """The last report on one process's services. Thread-safe."""

    def __init__(
        self, check: Callable[[Services], HealthDto] = check_health, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """A test may replace the check and the clock, which counts seconds."""
        self._check = check
        self._clock = clock
        self._checking = Lock()
        self._last: tuple[float, HealthDto] | None = None

    def report(self, services: Services, max_age_seconds: float = CACHE_SECONDS) -> HealthDto:
        """Return a report that is at most so old; check if there is none.

        One check runs at a time. A request that comes meanwhile gets the last report, if that is at most a minute old,
        and otherwise waits for the check. So a dependency that hangs does not hold a thread for each request.
        """
        if found := self._younger_than(max_age_seconds):
            return found
        if not self._checking.acquire(blocking=False):
            if found := self._younger_than(_STALE_SECONDS):
                return found
            self._checking.acquire()
        try:
            if found := self._younger_than(max_age_seconds):
                return found
            report = self._check(services)
            self._last = (self._clock(), report)
            return report
        finally:
            self._checking.release()

    def _younger_than(self, seconds: float) -> HealthDto | None:
        last = self._last
        return last[1] if last and self._clock() - last[0] < seconds else None
