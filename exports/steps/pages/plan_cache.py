"""The plans a process has in memory."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from exports.file.plan import PagePlan
from exports.jobs.job import JobRef
from exports.services import Services

KEPT_STARTS = 200_000
"""Page boundaries kept in memory: three plans of the largest size, 15 to 35 MiB, or thousands of usual ones."""

_PER_PLAN = 100
"""What a plan counts beside its boundaries: its columns and filter take memory too."""


def load_plan(services: Services, job: JobRef) -> PagePlan:
    """Read a job's plan, or remember it: a plan never changes once it is stored.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    return _PLANS.get(_key(services, job)) or keep_plan(services, job, services.files.load_plan(job))


def keep_plan(services: Services, job: JobRef, document: bytes) -> PagePlan:
    """Remember a job's plan as it is stored, and give it."""
    plan = PagePlan.model_validate_json(document)
    _PLANS.keep(_key(services, job), plan)
    return plan


def _key(services: Services, job: JobRef) -> _Key:
    return services, job.tenant, job.code


_Key = tuple[Services, str, str]


class KeptPlans:
    """Those last used, as many as have `KEPT_STARTS` boundaries together, and always the last one."""

    def __init__(self) -> None:
        self._plans: OrderedDict[_Key, PagePlan] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._plans)

    def get(self, key: _Key) -> PagePlan | None:
        """Look a plan up."""
        with self._lock:
            if key in self._plans:
                self._plans.move_to_end(key)
            return self._plans.get(key)

    def keep(self, key: _Key, plan: PagePlan) -> None:
        """Keep a plan, and drop those that were not used for longest."""
        with self._lock:
            if key not in self._plans:
                self._weight += _weight(plan)
            self._plans[key] = plan
            while self._weight > KEPT_STARTS and len(self._plans) > 1:
                _, dropped = self._plans.popitem(last=False)
                self._weight -= _weight(dropped)


def _weight(plan: PagePlan) -> int:
    return len(plan.starts) + _PER_PLAN


_PLANS = KeptPlans()
