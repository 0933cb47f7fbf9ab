"""What follows the end of a job, whoever ends it."""

from __future__ import annotations

from exports.jobs.job import Job, JobRef
from exports.jobs.retention import first_due
from exports.jobs.watchdog import watched
from exports.services import Services


def finalize_job(services: Services, ref: JobRef, ended: Job | None = None) -> None:
    """Watch an attempt no longer, if it is over, but remember what is to be done about a job that has ended.

    Safe to run twice, and late. Remembers first: so there is no moment at which nobody would look at the job.

    While somebody is still to be told of its end it stays watched: whoever begins to tell them ends the watch. So they
    are told even where the orchestration that should is lost, or there never was one.

    Raises:
        StorageUnavailableError: Can be tried again; the watchdog does, if nobody else.
    """
    job = ended or services.jobs.get(ref.tenant, ref.code)
    if job is None or job.runs(ref.attempt):
        return
    if job.attempt == ref.attempt and (due := first_due(job, services.settings.keep_rows)):
        services.watch.add_due(due)
    if job.notify is None or job.attempt != ref.attempt:
        services.watch.unwatch(watched(ref, services.now()))
