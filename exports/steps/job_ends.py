"""Ends jobs, and tells the log once that a job has started or ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from exports.jobs.job import Job, JobRef
from exports.services import Services
from exports.steps.fencing import change_running
from shared.events import emit
from shared.telemetry import count, measure, nearer_parent, span, trace_parent


def end_running(
    services: Services,
    ref: JobRef,
    alter: Callable[[Job], Job],
    expected: Job | None = None,
    *,
    only_expected: bool = False,
) -> Job | None:
    """Do what `change_running` does with a change that ends the job, and tell the log if this call has ended it.

    Only the caller whose write wins tells it, so each end is told at most once. If the process dies between the write
    and the line, nobody tells it.
    """
    ended = change_running(services, ref, alter, expected, only_expected=only_expected)
    if ended is not None:
        tell_ended(ended)
    return ended


def cancel(services: Services, tenant: str, code: str, expected: Job) -> Job:
    """Cancel a job, and tell the log if this call has ended it. A cancelled job stays as it is.

    Args:
        expected: The job as it was read; it is read again only if it has changed since.

    Raises:
        IllegalTransitionError: The job is `Completed` or `Failed`.
        JobNotFoundError: There is no such job.
        StorageUnavailableError: Can be tried again.
    """
    was_running = False

    def alter(job: Job) -> Job:
        nonlocal was_running
        was_running = not job.status.is_terminal
        return job.cancel(services.now())

    job = services.jobs.change(tenant, code, alter, expected)
    if was_running:
        tell_ended(job)
    return job


def tell_started(job: Job, by: str) -> None:
    """Tell the log that a job was stored to run, at first or again. `by`: the caller's name in the audit log."""
    emit(
        "job.started",
        request=job.request_id,
        tenant=job.tenant,
        job=job.code,
        schedule=job.schedule_code,
        attempt=job.attempt,
        status=job.status,
        by=by,
        columns=len(job.spec.columns),
    )


def tell_ended(job: Job) -> None:
    """Tell the log how a job has ended."""
    seconds = _seconds_from_request(job, job.completed_date) if job.completed_date else None
    _record(job)
    emit(
        "job.ended",
        request=job.request_id,
        tenant=job.tenant,
        job=job.code,
        schedule=job.schedule_code,
        attempt=job.attempt,
        status=job.status,
        rows=job.total_items if job.file_bytes is not None else job.settled_items,
        bytes=job.file_bytes,
        seconds=seconds,
        error=job.failure.code if job.failure else None,
    )


def _record(job: Job) -> None:
    """Record the end of the job in the metrics, and in its trace."""
    error = job.failure.code if job.failure else None
    parent = nearer_parent(job.trace_parent, trace_parent())
    with span("job.ended", parent, tenant=job.tenant, job=job.code, status=job.status.value, error=error):
        count("export.jobs", 1, status=job.status.value, error=error)
    if job.file_bytes is not None:
        count("export.rows", job.total_items or 0)
        count("export.bytes", job.file_bytes)
    begun = job.started_date or job.completed_date
    if begun is not None:
        measure("export.queue.seconds", _seconds_from_request(job, begun))


def _seconds_from_request(job: Job, moment: datetime) -> float:
    """Return how long after its request something happened to the job: 0 if the clock of that host says before it."""
    return max(0.0, (moment - job.created_date).total_seconds())
