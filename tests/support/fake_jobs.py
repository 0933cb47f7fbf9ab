"""The store of jobs in memory."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Callable, Collection
from dataclasses import replace
from threading import Lock

from exports.errors import JobNotFoundError
from exports.jobs.codes import first_code_before
from exports.jobs.job import Job
from exports.jobs.states import ACTIVE, JobStatus
from exports.ports.jobs import CountWindow
from tests.support.hooks import Hook, do_nothing


class MemoryJobStore:
    """Implements `JobStore` with optimistic writes, as under an ETag.

    `before_write` runs between the read and the write of a change.
    """

    def __init__(self) -> None:
        self.before_write: Hook = do_nothing
        self._jobs: dict[tuple[str, str], Job] = {}
        self._versions = itertools.count(1)
        self._lock = Lock()

    def create(self, job: Job) -> bool:
        created = self._with_new_version(job)
        with self._lock:
            return self._jobs.setdefault((job.tenant, job.code), created) is created

    def _with_new_version(self, job: Job) -> Job:
        return replace(job, version=str(next(self._versions)))

    def get(self, tenant: str, code: str) -> Job | None:
        return self._jobs.get((tenant, code))

    def check(self) -> None:
        pass

    def purge(self, tenant: str, code: str) -> None:
        self._jobs.pop((tenant, code), None)

    def change(self, tenant: str, code: str, alter: Callable[[Job], Job], expected: Job | None = None) -> Job:
        before = expected if expected and expected.version else None
        while True:
            is_read = before is None
            before = before or self.get(tenant, code)
            if before is None:
                raise JobNotFoundError("There is no such job.")
            after = alter(before)
            self.before_write()
            if after == before and is_read:
                return after
            with self._lock:
                found = self._jobs.get((tenant, code))
                if after != before and found is not None and found.version == before.version:
                    self._jobs[tenant, code] = self._with_new_version(after)
                    return self._jobs[tenant, code]
            before = None

    def list(
        self, tenant: str, limit: int, after: str | None = None, statuses: Collection[JobStatus] = ()
    ) -> builtins.list[Job]:
        found = sorted(job.code for job in self.all() if job.tenant == tenant and job.code > (after or ""))
        jobs = [self._jobs[tenant, code] for code in found]
        return [job for job in jobs if not statuses or job.status in statuses][:limit]

    def count(self, tenant: str, active: CountWindow, created: CountWindow) -> tuple[int, int]:
        jobs = self.list(tenant, len(self._jobs))
        actives = sum(job.status in ACTIVE and job.code <= first_code_before(active.since) for job in jobs)
        return actives, sum(job.code <= first_code_before(created.since) for job in jobs)

    def all(self) -> builtins.list[Job]:
        """Return every stored job."""
        return list(self._jobs.values())
