"""Starts the orchestration of a job's attempt, and reads the state of an orchestration."""

from __future__ import annotations

from typing import Any

from exports.errors import TransientError
from exports.jobs.job import Job
from exports.jobs.watchdog import RunState
from exports.ports.orchestrations import OrchestrationStarter
from exports.request.consistency import Consistency
from exports.services import Services
from exports.workflow.commands import ExportJob
from exports.workflow.names import EXPORT_JOB

_ALIVE = frozenset({"Pending", "Running", "ContinuedAsNew", "Suspended"})


class NotStartedError(TransientError):
    """Durable Functions did not start an orchestration."""

    code = "not-started"


async def start_orchestration(services: Services, starter: OrchestrationStarter, job: Job) -> None:
    """Start the orchestration of a job's current attempt.

    Safe to run twice: the instance id belongs to the attempt, so an attempt has at most one orchestration. If starting
    fails but the orchestration exists, this counts as a success: either the answer to an earlier start was lost, or the
    watchdog was faster.

    Raises:
        NotStartedError: There is no such orchestration.
    """
    run = ExportJob(
        job=job.ref,
        limits=services.settings.limits,
        notify=job.notify is not None,
        small_at_once=True if job.attempt == 1 else None,
        snapshot=True if job.spec.consistency is Consistency.SNAPSHOT else None,
    )
    try:
        await starter.start_new(EXPORT_JOB, job.ref.instance_id, run.model_dump(mode="json", by_alias=True))
    except Exception as error:
        if not await _exists(starter, job.ref.instance_id):
            raise NotStartedError("The export could not be started.") from error


async def _exists(starter: OrchestrationStarter, instance_id: str) -> bool:
    try:
        return bool(await starter.get_status(instance_id))
    except Exception:  # the SDK raises nothing narrower; without an answer the orchestration counts as missing
        return False


def run_state_of(status: Any) -> RunState:
    """Return the state that a status from `get_status` stands for."""
    if not status:
        return RunState.MISSING
    return RunState.ALIVE if status.runtime_status.name in _ALIVE else RunState.DEAD
