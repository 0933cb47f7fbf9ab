"""Step: begin another attempt of a job whose snapshot was lost."""

from __future__ import annotations

import asyncio
import logging

from exports.jobs.failures import SNAPSHOT_LOST
from exports.jobs.watchdog import MAX_RETRIES
from exports.ports.orchestrations import OrchestrationStarter
from exports.services import Services
from exports.steps.fencing import find_running
from exports.steps.finalize.finalize_job import finalize_job
from exports.steps.orchestrations import start_orchestration
from exports.steps.watching import retry_running
from exports.workflow.commands import BeginSnapshotAgain
from exports.workflow.outcomes import Rejected, Stopped
from shared.events import emit


async def begin_snapshot_again(
    services: Services, starter: OrchestrationStarter, command: BeginSnapshotAgain
) -> Stopped | Rejected:
    """Replace the attempt by a new one, which takes a new snapshot, as the watchdog replaces an attempt that has died.

    The new attempt fences the old one: a run of the old one that still reads can no longer publish its file or end the
    job. Both count towards the same limit of attempts. Safe to run twice: the second run finds that the attempt no
    longer runs. If the process dies before the orchestration of the new attempt is started, the watchdog starts it.

    Returns:
        `Rejected` after the last attempt. Otherwise `Stopped`, because this attempt has nothing more to do.

    Raises:
        NotStartedError, StorageUnavailableError: Can be tried again.
    """
    job = await asyncio.to_thread(find_running, services, command.job)
    if job is None:
        return Stopped()
    if job.retries >= MAX_RETRIES:
        return Rejected(failure=SNAPSHOT_LOST)
    emit(
        "snapshot.lost",
        logging.WARNING,
        request=job.request_id,
        tenant=job.tenant,
        job=job.code,
        attempt=job.attempt,
        status=job.status,
    )
    retried = await asyncio.to_thread(retry_running, services, job)
    if retried is not None:
        await start_orchestration(services, starter, retried)
    await asyncio.to_thread(finalize_job, services, job.ref)
    return Stopped()
