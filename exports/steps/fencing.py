"""The fence every step passes: work goes on only for a job that runs, and only for its current attempt."""

from __future__ import annotations

from collections.abc import Callable

from exports.errors import JobNotFoundError
from exports.jobs.job import Job, JobRef
from exports.services import Services


def find_running(services: Services, ref: JobRef) -> Job | None:
    """Look the job up; None if it has ended, was purged, or a later attempt took over."""
    job = services.jobs.get(ref.tenant, ref.code)
    return job if job is not None and job.runs(ref.attempt) else None


def change_running(
    services: Services, ref: JobRef, alter: Callable[[Job], Job], expected: Job | None = None
) -> Job | None:
    """Change the job if it runs, and give it as it is now; None, and nothing changed, if it does not run.

    Args:
        expected: As for `JobStore.change`, which refuses the write if the job has changed since; so the job need not be
            read again.
    """
    changed = False

    def guarded(job: Job) -> Job:
        nonlocal changed
        changed = job.runs(ref.attempt)
        return alter(job) if changed else job

    try:
        job = services.jobs.change(ref.tenant, ref.code, guarded, expected)
    except JobNotFoundError:
        return None
    return job if changed else None
