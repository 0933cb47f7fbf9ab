"""Does the bookkeeping after the end of a job's attempt."""

from __future__ import annotations

from exports.jobs.job import Job, JobRef
from exports.jobs.retention import first_due
from exports.jobs.watchdog import watched
from exports.services import Services
from exports.steps.pages.plan_cache import drop_plan


def finalize_job(services: Services, ref: JobRef, ended: Job | None = None, *, is_notified: bool = False) -> None:
    """Store when the first retention action on an ended job is due, and stop watching the attempt.

    Every caller that ends a job calls this. It also drops the attempt's plan from the memory of this process. Safe to
    run twice, and late. It does nothing while the attempt runs. The due action is stored first, so at every moment
    either the watchdog or the retention knows the job.

    If the job has a receiver, the attempt stays watched until `start_notification` has started the delivery. So the
    watchdog starts the delivery if the job's orchestration died before that, or never ran.

    Args:
        ended: The job, if the caller has just ended it; this saves a read.
        is_notified: Whether the delivery has been started.

    Raises:
        StorageUnavailableError: Can be tried again; at the latest, the watchdog does so.
    """
    job = ended or services.jobs.get(ref.tenant, ref.code)
    if job is None or job.runs(ref.attempt):
        return
    drop_plan(services, ref)
    if job.attempt == ref.attempt and (due := first_due(job, services.settings.rows_kept)):
        services.watch.add_due(due)
    if is_notified or job.notify is None or job.attempt != ref.attempt:
        services.watch.unwatch(watched(ref, services.now()))
