"""Cache the plans of jobs in the memory of a process."""

from __future__ import annotations

from threading import Lock
from typing import NamedTuple

from cachetools import TTLCache

from exports.file.plan import PagePlan
from exports.jobs.job import JobRef
from exports.services import Services

MAX_CACHED_BYTES = 16 * 1024 * 1024
"""What all cached plans of a process may weigh together: a few of the largest size, or hundreds of usual ones."""

KEEP_SECONDS = 600.0
"""A plan is dropped after this time: the process that ends the job drops its own copy, and no other one."""

_BYTES_PER_DOCUMENT_BYTE = 8
"""A plan in memory takes five to eight times the bytes of its document (measured with 1 to 50,000 pages)."""

_Key = tuple[Services, str, str, int]


def load_plan(services: Services, job: JobRef) -> PagePlan:
    """Return a job's plan from the cache or from storage. A cached plan is never outdated: plans do not change
    during an attempt.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    return _PLANS.get(_key(services, job)) or cache_plan(services, job, services.files.load_plan(job))


def cache_plan(services: Services, job: JobRef, document: bytes) -> PagePlan:
    """Parse a job's plan as it is stored, and cache it."""
    plan = PagePlan.model_validate_json(document)
    _PLANS.add(_key(services, job), plan, len(document) * _BYTES_PER_DOCUMENT_BYTE)
    return plan


def drop_plan(services: Services, job: JobRef) -> None:
    """Drop the plan of a job that has ended from the cache of this process."""
    _PLANS.drop(_key(services, job))


def _key(services: Services, job: JobRef) -> _Key:
    return services, job.tenant, job.code, job.attempt


class _Weighed(NamedTuple):
    plan: PagePlan
    bytes: int


class PlanCache:
    """Keeps the plans used last for a limited time, up to `MAX_CACHED_BYTES` in total, and always the newest plan."""

    def __init__(self) -> None:
        self._plans: TTLCache[_Key, _Weighed] = TTLCache(
            MAX_CACHED_BYTES, KEEP_SECONDS, getsizeof=lambda weighed: weighed.bytes
        )
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._plans)

    def get(self, key: _Key) -> PagePlan | None:
        """Return a plan, or None if it is not cached."""
        with self._lock:
            found = self._plans.get(key)
        return found.plan if found else None

    def add(self, key: _Key, plan: PagePlan, weight_bytes: int) -> None:
        """Add a plan, and drop the least recently used ones."""
        with self._lock:
            self._plans[key] = _Weighed(plan, min(weight_bytes, MAX_CACHED_BYTES))

    def drop(self, key: _Key) -> None:
        """Drop a plan if it is cached."""
        with self._lock:
            self._plans.pop(key, None)


_PLANS = PlanCache()
