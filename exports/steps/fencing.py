"""The fence of every step: a step acts only on a job that runs, and only for the job's current attempt."""

from __future__ import annotations

from collections.abc import Callable

from exports.errors import JobNotFoundError
from exports.jobs.job import Job, JobRef
from exports.services import Services


def find_running(services: Services, ref: JobRef) -> Job | None:
    """Return the job; None if it has ended, was purged, or runs a later attempt."""
    job = services.jobs.get(ref.tenant, ref.code)
    return job if job is not None and job.runs(ref.attempt) else None


def change_running(
    services: Services,
    ref: JobRef,
    alter: Callable[[Job], Job],
    expected: Job | None = None,
    *,
    only_expected: bool = False,
) -> Job | None:
    """Change the job if this attempt of it runs.

    Args:
        expected: The job as it was read earlier. This saves a read, because `JobStore.change` notices if the job has
            changed since.
        only_expected: Whether to change the job only if nobody has changed it since `expected` was read.

    Returns:
        The job as it is now; None, and nothing was changed, if the job has ended, was purged, runs a later attempt, or
        is not the expected one.
    """
    changed = False

    def guarded(job: Job) -> Job:
        nonlocal changed
        is_expected = expected is not None and job.version == expected.version
        changed = job.runs(ref.attempt) and (is_expected or not only_expected)
        return alter(job) if changed else job

    try:
        job = services.jobs.change(ref.tenant, ref.code, guarded, expected)
    except JobNotFoundError:
        return None
    return job if changed else None
