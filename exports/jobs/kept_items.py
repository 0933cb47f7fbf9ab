"""How many clients a resume of an ended job would not read again, as of the last half minute."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from cachetools import TTLCache

from exports.jobs.job import Job

KEEP_SECONDS = 30.0
"""A status may show for this time what storage has dropped meanwhile. A resume asks storage itself."""

_MAX_JOBS = 1_000
_Key = tuple[str, str, str | None, int]


class KeptItemsCache:
    """Keeps the counts of the last jobs. Safe to share by threads.

    A job that was changed since counts as another, and so does one of which more clients are written: a page that was
    being written when the job ended is recorded after that, and changes no job.
    """

    def __init__(self) -> None:
        self._counts: TTLCache[_Key, int] = TTLCache(_MAX_JOBS, KEEP_SECONDS)
        self._lock = Lock()

    def get(self, job: Job, processed_items: int, count: Callable[[], int]) -> int:
        """Return the count of a job; `count` asks storage for it if it is not cached.

        Args:
            processed_items: Rows of all pages written so far, read before the call.
        """
        key = (job.tenant, job.code, job.version, processed_items)
        with self._lock:
            found = self._counts.get(key)
        if found is None:
            found = count()
            with self._lock:
                self._counts[key] = found
        return found
