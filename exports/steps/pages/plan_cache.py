"""Cache the plans of jobs in the memory of a process."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from exports.file.plan import PagePlan
from exports.jobs.job import JobRef
from exports.services import Services

MAX_CACHED_STARTS = 200_000
"""Page starts kept in memory: three plans of the largest size (15 to 35 MiB), or thousands of usual ones."""

_STARTS_PER_PLAN = 100
"""Added to the starts of each plan, because its columns and its filter take memory too."""


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
    _PLANS.add(_key(services, job), plan)
    return plan


def _key(services: Services, job: JobRef) -> _Key:
    return services, job.tenant, job.code, job.attempt


_Key = tuple[Services, str, str, int]


class PlanCache:
    """Keeps the plans used last, up to `MAX_CACHED_STARTS` page starts in total, and always the newest plan."""

    def __init__(self) -> None:
        self._plans: OrderedDict[_Key, PagePlan] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._plans)

    def get(self, key: _Key) -> PagePlan | None:
        """Return a plan, or None if it is not cached."""
        with self._lock:
            if key in self._plans:
                self._plans.move_to_end(key)
            return self._plans.get(key)

    def add(self, key: _Key, plan: PagePlan) -> None:
        """Add a plan, and drop the least recently used ones."""
        with self._lock:
            if key not in self._plans:
                self._weight += _weight(plan)
            self._plans[key] = plan
            while self._weight > MAX_CACHED_STARTS and len(self._plans) > 1:
                _, dropped = self._plans.popitem(last=False)
                self._weight -= _weight(dropped)


def _weight(plan: PagePlan) -> int:
    return len(plan.starts) + _STARTS_PER_PLAN


_PLANS = PlanCache()
