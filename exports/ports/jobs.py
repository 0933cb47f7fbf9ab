"""Port: the store of jobs."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from exports.jobs.job import Job
from exports.jobs.states import JobStatus


@dataclass(frozen=True, slots=True)
class CountWindow:
    """Limits a count to the jobs that were created since a moment, and to the largest number that matters."""

    since: datetime
    at_most: int


class JobStore(Protocol):
    """Stores jobs. Every method raises `StorageUnavailableError` when a retry can help."""

    def create(self, job: Job) -> bool:
        """Add a job. Return False, and change nothing, if its code is taken."""

    def get(self, tenant: str, code: str) -> Job | None:
        """Look a job up by tenant and code."""

    def list(
        self, tenant: str, limit: int, after: str | None = None, statuses: Collection[JobStatus] = ()
    ) -> builtins.list[Job]:
        """Return at most `limit` jobs of a tenant, newest first. Logs and leaves out jobs that cannot be read.

        Args:
            after: Only jobs that come after this code in the list.
            statuses: Only jobs with one of these statuses; empty: with any.
        """

    def count(self, tenant: str, active: CountWindow, created: CountWindow) -> tuple[int, int]:
        """Count a tenant's active jobs in one window and all its jobs in another.

        Stops as soon as one of the two counts has reached its `at_most`; the other may then be too low. A job that was
        stored more than a minute after its code was made may be missing from the second count for ten minutes.
        """

    def check(self) -> None:
        """Send a harmless request, to show that the store answers."""

    def purge(self, tenant: str, code: str) -> None:
        """Remove a job, if it exists. Call it only when nothing can change the job any more."""

    def change(self, tenant: str, code: str, alter: Callable[[Job], Job], expected: Job | None = None) -> Job:
        """Write `alter(job)` if the job has not changed since it was read; otherwise read it and try again.

        Writes nothing if `alter` changes nothing. `alter` may run several times. If it raises, the error passes
        through and nothing is written.

        Args:
            expected: The job as this store returned it earlier. It saves a read if the job has not changed since.

        Returns:
            The job as it is now.

        Raises:
            JobNotFoundError: The job does not exist.
        """
