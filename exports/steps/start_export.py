"""Step: create a job and give it to Durable Functions."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Any, Protocol

from exports.errors import TransientError
from exports.failures import failure_of
from exports.job_codes import new_job_code, slot_job_code
from exports.jobs import ExportSpec, Job
from exports.payloads import EXPORT_JOB, ExportJob
from exports.services import Services

_FIRST_LOOK_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 0.5
_log = logging.getLogger(__name__)


class OrchestrationStarter(Protocol):
    """The part of `azure.durable_functions.DurableOrchestrationClient` that is used here."""

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str: ...


class NotStartedError(TransientError):
    """Durable Functions did not take the job."""

    code = "not-started"


async def start_export(services: Services, starter: OrchestrationStarter, tenant: str, spec: ExportSpec) -> Job:
    """Create a job, store it as `Queued` and start its orchestration.

    Raises:
        NotStartedError: The orchestration could not be started; the job is `Failed`.
        StorageUnavailableError: Nothing was stored.
    """
    now = services.now()
    job = make_job(tenant, spec, new_job_code(now), now)
    await asyncio.to_thread(services.jobs.create, job)
    await _start(services, starter, job)
    return job


async def start_slot(
    services: Services, starter: OrchestrationStarter, tenant: str, spec: ExportSpec, schedule: str, slot: datetime
) -> Job | None:
    """Start the job of a schedule's slot; None if the slot has its job already, however often this runs, and where.

    Raises:
        NotStartedError, StorageUnavailableError: As `start_export`.
    """
    job = make_job(tenant, spec, slot_job_code(f"{tenant}/{schedule}", slot), services.now())
    if not await asyncio.to_thread(services.jobs.create, job):
        return None
    await _start(services, starter, job)
    return job


def make_job(tenant: str, spec: ExportSpec, code: str, now: datetime) -> Job:
    """Build a new job; its file is named for the tenant and the moment."""
    file_name = f"clients-{tenant}-{now:%Y%m%d-%H%M%S}.csv"
    return Job(tenant=tenant, code=code, spec=spec, file_name=file_name, created_date=now)


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


async def _start(services: Services, starter: OrchestrationStarter, job: Job) -> None:
    run = ExportJob(job=job.ref, limits=services.settings.limits)
    try:
        await starter.start_new(EXPORT_JOB, job.ref.instance_id, run.model_dump(mode="json", by_alias=True))
    except Exception as error:
        problem = NotStartedError("The export could not be started.")
        await asyncio.to_thread(
            services.jobs.change, job.tenant, job.code, lambda job: job.fail(services.now(), failure_of(problem))
        )
        raise problem from error
    _log.info("event=export.started tenant=%s code=%s columns=%d", job.tenant, job.code, len(job.spec.columns))
