"""Port: the store of jobs."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Protocol

from exports.jobs.job import Job
from exports.jobs.quota import Quota
from exports.jobs.states import JobStatus


class JobStore(Protocol):
    """Stores jobs. Every method raises `StorageUnavailableError` when a retry can help."""

    def require_room(self, tenant: str, quota: Quota, now: datetime) -> None:
        """Refuse a request early if the tenant has no room for another job. Reserves nothing.

        Raises:
            QuotaExceededError: Too many jobs are active, or too many were started today.
        """

    def create(self, job: Job, quota: Quota | None = None) -> bool:
        """Add a job. Return False, and change nothing, if its code is taken.

        Args:
            quota: The limits that the jobs of the tenant never exceed, however many are added at the same time. The job
                counts as started at its creation date.

        Raises:
            QuotaExceededError: Nothing was added. If others add jobs at the same time, the code may be taken.
        """

    def get(self, tenant: str, code: str) -> Job | None:
        """Look a job up by tenant and code."""

    def exists(self, tenant: str, code: str) -> bool:
        """Tell whether a job has a row. Logs a row that cannot be read; its job exists all the same."""

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
        """Return at most `limit` jobs of a tenant, newest first. Logs and leaves out jobs that cannot be read.

        Args:
            after: Only jobs that come after this code in the list.
            statuses: Only jobs with one of these statuses; empty: with any.
            created_by: Only jobs of a caller with this name.
            schedule_code: Only jobs of this schedule.
            between: Only jobs with one of these two codes, or with a code between them.
        """

    def check(self) -> None:
        """Send a harmless request, to show that the store answers."""

    def purge(self, tenant: str, code: str) -> None:
        """Remove a job, if it exists. Call it only when nothing can change the job any more."""

    def change(
        self,
        tenant: str,
        code: str,
        alter: Callable[[Job], Job],
        expected: Job | None = None,
        restart: tuple[Quota, datetime] | None = None,
    ) -> Job:
        """Write `alter(job)` if the job has not changed since it was read; otherwise read it and try again.

        Writes nothing if `alter` changes nothing. `alter` may run several times. If it raises, the error passes
        through and nothing is written.

        Args:
            expected: The job as this store returned it earlier. It saves a read if the job has not changed since.
            restart: The limits of the tenant and the current moment, if the change makes a job active that has ended.
                That counts as a start on this day.

        Returns:
            The job as it is now.

        Raises:
            JobNotFoundError: The job does not exist.
            QuotaExceededError: Too many jobs are active, or too many were started today. Nothing was written.
        """
