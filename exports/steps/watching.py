"""Has the watchdog watch an attempt of a job while the attempt is being stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from exports.jobs.job import Job, JobRef
from exports.jobs.watchdog import watched
from exports.services import Services
from exports.steps.fencing import change_running

_LONG_SECONDS = 60.0
"""No write of a running host takes as long, and `MAX_WRITE_TIME` is much longer."""


@contextmanager
def watching(services: Services, ref: JobRef) -> Iterator[None]:
    """Let the watchdog watch an attempt, and then the block store it.

    So the watchdog knows the attempt even if this process dies at any moment. It gives up an entry whose attempt is not
    stored within `MAX_WRITE_TIME`. A host may be frozen for so long, and continue: then the attempt is watched again as
    soon as it is stored. Such a host may have two clocks that differ: one counts while it is frozen, the other does
    not. Only if this host is frozen for so long, and then dies between the two writes, nobody watches a stored attempt.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    began, moment = services.clock(), services.now()
    services.watch.watch(watched(ref, moment))
    try:
        yield
    finally:  # storage may have stored the attempt although its answer was lost
        now = services.now()
        if max(services.clock() - began, (now - moment).total_seconds()) >= _LONG_SECONDS:
            services.watch.watch(watched(ref, now))


def retry_running(services: Services, job: Job) -> Job | None:
    """Watch and store the next attempt of a job in the place of the present one, if that one runs.

    Returns:
        The job with its next attempt, which must be started; None if nothing was changed.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    with watching(services, job.retry().ref):
        return change_running(services, job.ref, lambda job: job.retry())
