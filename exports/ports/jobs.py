"""Port: the store of jobs."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from exports.jobs.job import Job
from exports.jobs.states import JobStatus

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class CountWindow:
    """Jobs created since a moment, as far as they are to be counted."""

    since: datetime
    at_most: int


class JobStore(Protocol):
    """Keeps jobs. Every method raises `StorageUnavailableError` when trying again can help."""

    def create(self, job: Job) -> bool:
        """Add a job; False, and nothing changed, if its code is taken."""

    def get(self, tenant: str, code: str) -> Job | None:
        """Look a job up by tenant and code."""

    def list(
        self, tenant: str, limit: int, after: str | None = None, statuses: Collection[JobStatus] = ()
    ) -> builtins.list[Job]:
        """Give at most `limit` jobs of a tenant, newest first, that come after the code `after` and have one of the
        statuses (any, if none is given). What is kept of a job and cannot be read is left out and logged."""

    def count(self, tenant: str, active: CountWindow, created: CountWindow) -> tuple[int, int]:
        """Count a tenant's jobs that are active, of those created since a moment, and all created since another; stop
        when there are as many of either as it says."""

    def check(self) -> None:
        """Ask for something harmless, to see that the store answers."""

    def purge(self, tenant: str, code: str) -> None:
        """Remove a job, if there is one; only when nothing can change it any more."""

    def change(self, tenant: str, code: str, alter: Callable[[Job], Job], seen: Job | None = None) -> Job:
        """Write `alter(job)` if the job is still the one that was read, else read and alter again.

        `alter` may run several times; what it raises passes through and nothing is written.

        Args:
            seen: The job as this store has given it before: if it is still so, it need not be read.

        Raises:
            JobNotFoundError: There is no such job.
        """
