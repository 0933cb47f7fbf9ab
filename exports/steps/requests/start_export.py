"""Step: store a new job and start its orchestration."""

from __future__ import annotations

import asyncio

from exports.errors import TransientError
from exports.jobs.audit import AuditAction, audit_entry
from exports.jobs.failures import failure_of
from exports.jobs.job import Job
from exports.ports.orchestrations import OrchestrationStarter
from exports.services import Services
from exports.steps.finalize.finalize_job import finalize_job
from exports.steps.job_ends import end_running, tell_started
from exports.steps.orchestrations import start_orchestration
from exports.steps.requests.quotas import quota_of
from exports.steps.watching import watching


async def start_export(services: Services, starter: OrchestrationStarter, job: Job, actor: str) -> Job | None:
    """Store a new job as `Queued`, record in the audit log who asked for it, and start its orchestration.

    The job enters the watch index first. If this process dies at any later moment, the watchdog starts the stored job.

    Returns:
        The job; or None if a job with this code exists already, and then nothing was changed. So a slot of a schedule
        or an idempotency key, each of which determines its job's code, gets exactly one job, however often and on
        however many machines this runs.

    Raises:
        QuotaExceededError: Other requests have used up the quota since it was last checked; nothing was stored. The
            watchdog removes the entry in the watch index.
        NotStartedError: The orchestration could not be started; the job is `Failed`.
        StorageUnavailableError: Nothing was stored, or the job is `Failed`.
    """
    if not await asyncio.to_thread(_store, services, job):
        return None
    await start_attempt(services, starter, job, AuditAction.STARTED, actor)
    return job


def _store(services: Services, job: Job) -> bool:
    with watching(services, job.ref):
        return services.jobs.create(job, quota_of(services))


async def start_attempt(
    services: Services, starter: OrchestrationStarter, job: Job, action: AuditAction, actor: str
) -> None:
    """Tell that a stored job is to run, record in the audit log who wants it, and start its attempt's orchestration.

    Raises:
        NotStartedError, StorageUnavailableError: The job is `Failed`.
    """
    tell_started(job, actor)
    try:
        await asyncio.to_thread(services.audit.append, audit_entry(action, actor, job, services.now()))
        await start_orchestration(services, starter, job)
    except TransientError as error:
        failure = failure_of(error)
        await asyncio.to_thread(end_running, services, job.ref, lambda job: job.fail(services.now(), failure))
        await asyncio.to_thread(finalize_job, services, job.ref)
        raise
