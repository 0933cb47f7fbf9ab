"""Remembers how many jobs of a day are counted already, so that a count reads only the rows of the last minute."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from threading import Lock
from typing import NamedTuple

from cachetools import LRUCache

from exports.jobs.codes import creation_of, first_code_before

_OPEN = timedelta(minutes=1)
"""Jobs of the last minute before the newest job are counted again, because others may still be stored among them."""

_KEEP_SECONDS = 600.0
"""After this time all jobs are counted again. This finds jobs that were stored long after their codes were made, for
example for a slot that a schedule has caught up with."""

_MOST_COUNTS = 1_000


class Counted(NamedTuple):
    """The jobs of a tenant since some moment that are counted already.

    Attributes:
        until: The jobs with greater codes, which are the older ones, are counted.
        jobs: Their number.
        began: When they were first counted, by the monotonic clock.
    """

    until: str
    jobs: int
    began: float


class JobCounts:
    """The counts of one process. Thread-safe.

    The rows of older jobs stay as they are during the day, as far as a count is concerned.
    """

    def __init__(self) -> None:
        self._counts: LRUCache[tuple[str, str], Counted] = LRUCache(_MOST_COUNTS)
        self._lock = Lock()

    def find(self, tenant: str, oldest: str) -> Counted:
        """Return what is counted of a tenant's jobs whose codes are at most `oldest`."""
        now = time.monotonic()
        with self._lock:
            found = self._counts.get((tenant, oldest))
        return found if found and now - found.began < _KEEP_SECONDS else Counted(oldest, 0, now)

    def add(self, tenant: str, oldest: str, before: Counted, codes: Sequence[str]) -> None:
        """Remember a complete count.

        Args:
            before: What was counted before.
            codes: The codes of all jobs that were not, in ascending order.
        """
        if not codes:
            return
        until = min(before.until, first_code_before(creation_of(codes[0]) - _OPEN))
        settled = sum(code > until for code in codes)
        with self._lock:
            self._counts[tenant, oldest] = Counted(until, before.jobs + settled, before.began)
