"""Alarms by wall-clock time, at most one for each key."""

import asyncio
import heapq
import time
from collections.abc import Callable

_MAX_SLEEP_SECONDS = 30.0  # the wall clock may jump, so look at it again now and then


class Alarms:
    """Calls `ring(key)` when the time set for the key has come. A later time than the one already set is ignored."""

    def __init__(self, ring: Callable[[str], None]) -> None:
        self._ring = ring
        self._heap: list[tuple[float, str]] = []
        self._times: dict[str, float] = {}
        self._handle: asyncio.TimerHandle | None = None

    def set(self, key: str, at: float) -> None:
        if at < self._times.get(key, float("inf")):
            self._times[key] = at
            heapq.heappush(self._heap, (at, key))
            if self._heap[0] == (at, key):
                self._sleep()

    def stop(self) -> None:
        if self._handle:
            self._handle.cancel()

    def _sleep(self) -> None:
        self.stop()
        delay = min(_MAX_SLEEP_SECONDS, max(0.0, self._heap[0][0] - time.time()))
        self._handle = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        now = time.time()
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._times.get(key) == at:
                del self._times[key]
                self._ring(key)
        if self._heap:
            self._sleep()
