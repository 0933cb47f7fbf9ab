"""What follows the end of a job, whoever ends it."""

from __future__ import annotations

from exports.jobs import JobRef
from exports.services import Services
from exports.watching import watched


def end_watch(services: Services, ref: JobRef) -> None:
    """Watch an attempt no longer, if it is over. Safe to run twice, and late.

    Raises:
        StorageUnavailableError: Can be tried again; the watchdog does, if nobody else.
    """
    job = services.jobs.get(ref.tenant, ref.code)
    if job is not None and not job.runs(ref.attempt):
        services.watch.unwatch(watched(ref, services.now()))
