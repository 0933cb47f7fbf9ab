"""Step: create a job and give it to Durable Functions."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Any, Protocol

from exports.errors import TransientError
from exports.file.file_names import clean_file_name
from exports.jobs.audit import AuditAction, audit_entry
from exports.jobs.failures import failure_of
from exports.jobs.job import Job
from exports.jobs.watchdog import watched
from exports.request.body import NotifyDto
from exports.request.spec import ExportSpec
from exports.services import Services
from exports.steps.fencing import change_running
from exports.steps.finalize.finalize_job import finalize_job
from exports.workflow.commands import ExportJob
from exports.workflow.names import EXPORT_JOB

_FIRST_LOOK_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 0.5
_log = logging.getLogger(__name__)


class OrchestrationStarter(Protocol):
    """The part of `azure.durable_functions.DurableOrchestrationClient` that is used here.

    A status is false if there is no such orchestration.
    """

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str: ...
    async def get_status(self, instance_id: str) -> Any: ...


class NotStartedError(TransientError):
    """Durable Functions did not take the job."""

    code = "not-started"


async def start_export(services: Services, starter: OrchestrationStarter, job: Job, actor: str) -> Job | None:
    """Store a new job as `Queued`, note who asked for it, and start its orchestration.

    The watchdog is told first: if this process ends at any moment after that, the watchdog starts what was stored.

    Returns:
        The job; None, and nothing done, if there is one of this code already. So whatever has a code of its own, such
        as a slot of a schedule or an idempotency key, has one job, however often this runs, and where.

    Raises:
        NotStartedError: The orchestration could not be started; the job is `Failed`.
        StorageUnavailableError: Nothing was stored, or the job is `Failed`.
    """
    await asyncio.to_thread(services.watch.watch, watched(job.ref, services.now()))
    if not await asyncio.to_thread(services.jobs.create, job):
        return None
    await launch(services, starter, job, AuditAction.STARTED, actor)
    return job


async def launch(services: Services, starter: OrchestrationStarter, job: Job, action: AuditAction, actor: str) -> None:
    """Note who wants a stored job to run, and start the orchestration of its attempt.

    Raises:
        NotStartedError, StorageUnavailableError: The job is `Failed`.
    """
    try:
        await asyncio.to_thread(services.audit.append, audit_entry(action, actor, job, services.now()))
        await start_orchestration(services, starter, job)
    except TransientError as error:
        failure = failure_of(error)
        await asyncio.to_thread(change_running, services, job.ref, lambda job: job.fail(services.now(), failure))
        await asyncio.to_thread(finalize_job, services, job.ref)
        raise
    event = f"export.{action.lower()}"
    _log.info("event=%s tenant=%s code=%s columns=%d", event, job.tenant, job.code, len(job.spec.columns))


def make_job(tenant: str, spec: ExportSpec, code: str, now: datetime, notify: NotifyDto | None = None) -> Job:
    """Build a new job; its file is named as the caller wishes, or else for the tenant and the moment."""
    wanted, extension = spec.format.file_name or "", spec.format.extension
    file_name = clean_file_name(wanted, extension) or f"clients-{tenant}-{now:%Y%m%d-%H%M%S}{extension}"
    return Job(tenant=tenant, code=code, spec=spec, file_name=file_name, created_date=now, notify=notify)


async def wait_for_end(services: Services, job: Job, seconds: float) -> Job:
    """Look at the job, less and less often, until it has ended or the time is up; give it as it was seen last."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while not job.status.is_terminal and loop.time() - begun < seconds:
        elapsed = loop.time() - begun
        pause = min(max(_FIRST_LOOK_SECONDS, elapsed / 10), _LONGEST_PAUSE_SECONDS, seconds - elapsed)
        await asyncio.sleep(pause)
        found = await asyncio.to_thread(services.jobs.get, job.tenant, job.code)
        job = found or job
    return job


async def start_orchestration(services: Services, starter: OrchestrationStarter, job: Job) -> None:
    """Start the orchestration of a job's attempt. Its id is the attempt's own, so that there is one: when it is there
    already, because the answer to its start was lost or the watchdog was quicker, that is as good.

    Raises:
        NotStartedError: There is none.
    """
    run = ExportJob(job=job.ref, limits=services.settings.limits, notify=job.notify is not None)
    try:
        await starter.start_new(EXPORT_JOB, job.ref.instance_id, run.model_dump(mode="json", by_alias=True))
    except Exception as error:
        if not await _is_there(starter, job.ref.instance_id):
            raise NotStartedError("The export could not be started.") from error


async def _is_there(starter: OrchestrationStarter, instance_id: str) -> bool:
    try:
        return bool(await starter.get_status(instance_id))
    except Exception:  # the SDK raises nothing narrower; what does not answer has not said yes
        return False
