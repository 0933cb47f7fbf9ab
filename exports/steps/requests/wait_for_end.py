"""Step: wait for a job to end, so that a small export is answered with its link."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime

from exports.errors import StorageUnavailableError
from exports.jobs.job import Job
from exports.services import Services

_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 0.5


async def wait_for_end(services: Services, job: Job, seconds: float) -> Job:
    """Poll the job until it has ended or the time is up, and return the job as last read.

    The first read comes shortly before a small job is likely to have ended (`WaitHistory`). The pauses between two
    reads grow: each is a tenth of the time waited so far, from 0.02 to 0.5 seconds. A read that storage does not answer
    is followed by the next one, because the job has started all the same.
    """
    loop = asyncio.get_running_loop()
    start, began = loop.time(), services.now()
    pause = services.waits.first_pause_seconds()
    while not job.status.is_terminal and (elapsed := loop.time() - start) < seconds:
        await asyncio.sleep(min(pause, seconds - elapsed))
        with suppress(StorageUnavailableError):
            found = await asyncio.to_thread(services.jobs.get, job.tenant, job.code)
            job = found or job
        waited = loop.time() - start
        if job.completed_date:
            _remember(services, began, job.completed_date, waited)
        pause = min(max(_SHORTEST_PAUSE_SECONDS, waited / 10), _LONGEST_PAUSE_SECONDS)
    return job


def _remember(services: Services, began: datetime, completed: datetime, waited: float) -> None:
    """Remember how long the job itself took.

    The wait says less: it includes the pause before the last read, so long pauses would lead to long pauses. If another
    host ended the job and its clock says that this was before or after the wait, nothing is learned.
    """
    seconds = (completed - began).total_seconds()
    if 0 <= seconds <= waited:
        services.waits.add(seconds)
