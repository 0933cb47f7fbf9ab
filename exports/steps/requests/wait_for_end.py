"""Step: wait for a job to end, so that a small export is answered with its link."""

from __future__ import annotations

import asyncio

from exports.jobs.job import Job
from exports.services import Services

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 0.5


async def wait_for_end(services: Services, job: Job, seconds: float) -> Job:
    """Poll the job until it has ended or the time is up, and return the job as last read.

    The pauses between two reads grow: each is a tenth of the time waited so far, from 0.02 to 0.5 seconds.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while not job.status.is_terminal and loop.time() - begun < seconds:
        elapsed = loop.time() - begun
        pause = min(max(_FIRST_PAUSE_SECONDS, elapsed / 10), _LONGEST_PAUSE_SECONDS, seconds - elapsed)
        await asyncio.sleep(pause)
        found = await asyncio.to_thread(services.jobs.get, job.tenant, job.code)
        job = found or job
    return job
