"""Limits how often callers may have notifications sent by hand: tests, and messages that are sent again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from cachetools import FIFOCache

MOST_SENDS, WINDOW_SECONDS = 10, 60.0
"""How many requests of a tenant each process serves in any minute. One request sends to at most six receivers."""

_MAX_TENANTS = 10_000


@dataclass
class SendsByHand:
    """The latest requests of each tenant, as this process has served them. Threads may share it."""

    clock: Callable[[], float] = time.monotonic
    _times: FIFOCache[str, list[float]] = field(default_factory=lambda: FIFOCache(_MAX_TENANTS))
    _lock: Lock = field(default_factory=Lock)

    def admit(self, tenant: str) -> int:
        """Count a request and return 0, or return after how many seconds the tenant may send another one."""
        with self._lock:
            now = self.clock()
            recent = [moment for moment in self._times.get(tenant, []) if moment > now - WINDOW_SECONDS]
            self._times[tenant] = recent
            if len(recent) >= MOST_SENDS:
                return math.ceil(recent[0] + WINDOW_SECONDS - now)
            recent.append(now)
            return 0
