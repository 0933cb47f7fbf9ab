"""The store of jobs in memory."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock

from exports.errors import JobNotFoundError
from exports.jobs.job import Job
from exports.jobs.quota import Quota, QuotaUse
from exports.jobs.states import ACTIVE, JobStatus
from tests.support.hooks import Hook, do_nothing


class MemoryJobStore:
    """Implements `JobStore` with optimistic writes, as under an ETag.

    `before_write` runs between the read and the write of a change.
    """

    def __init__(self) -> None:
        self.before_write: Hook = do_nothing
        self._jobs: dict[tuple[str, str], Job] = {}
        self._started: list[tuple[str, datetime]] = []
        self._versions = itertools.count(1)
        self._lock = Lock()

    def require_room(self, tenant: str, quota: Quota, now: datetime) -> None:
        day = now.astimezone(UTC).date()
        started = sum(created.astimezone(UTC).date() >= day for name, created in self._started if name == tenant)
        quota.require_day(QuotaUse(day, started, 0, ""), now)
        quota.require_active(sum(job.tenant == tenant and job.status in ACTIVE for job in self.all()))

    def create(self, job: Job, quota: Quota | None = None) -> bool:
        created = self._with_new_version(job)
        with self._lock:
            if (job.tenant, job.code) in self._jobs:
                return False
            if quota:
                self.require_room(job.tenant, quota, job.created_date)
            self._started.append((job.tenant, job.created_date))
            self._jobs[job.tenant, job.code] = created
            return True

    def _with_new_version(self, job: Job) -> Job:
        return replace(job, version=str(next(self._versions)))

    def get(self, tenant: str, code: str) -> Job | None:
        return self._jobs.get((tenant, code))

    def exists(self, tenant: str, code: str) -> bool:
        return (tenant, code) in self._jobs

    def check(self) -> None:
        pass

    def purge(self, tenant: str, code: str) -> None:
        self._jobs.pop((tenant, code), None)

    def change(
        self,
        tenant: str,
        code: str,
        alter: Callable[[Job], Job],
        expected: Job | None = None,
        restart: tuple[Quota, datetime] | None = None,
    ) -> Job:
        before = expected if expected and expected.version else None
        while True:
            is_read = before is None
            before = before or self.get(tenant, code)
            if before is None:
                raise JobNotFoundError("There is no export with this code.")
            after = alter(before)
            self.before_write()
            if after == before and is_read:
                return after
            with self._lock:
                found = self._jobs.get((tenant, code))
                if after != before and found is not None and found.version == before.version:
                    if restart:
                        self.require_room(tenant, *restart)
                        self._started.append((tenant, restart[1]))
                    self._jobs[tenant, code] = self._with_new_version(after)
                    return self._jobs[tenant, code]
            before = None

    def list(
        self,
        tenant: str,
        limit: int,
        after: str | None = None,
        statuses: Collection[JobStatus] = (),
        created_by: str | None = None,
        schedule_code: str | None = None,
        between: tuple[str, str] | None = None,
    ) -> builtins.list[Job]:
        found = sorted(job.code for job in self.all() if job.tenant == tenant and job.code > (after or ""))
        jobs = [self._jobs[tenant, code] for code in found]
        jobs = [job for job in jobs if between is None or between[0] <= job.code <= between[1]]
        jobs = [job for job in jobs if created_by in (None, job.created_by)]
        jobs = [job for job in jobs if schedule_code in (None, job.schedule_code)]
        return [job for job in jobs if not statuses or job.status in statuses][:limit]

    def all(self) -> builtins.list[Job]:
        """Return every stored job."""
        return list(self._jobs.values())
