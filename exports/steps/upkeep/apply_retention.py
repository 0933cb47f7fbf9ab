"""Step: apply the retention rules to jobs that have ended: clean up, remove files, purge rows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from exports.jobs.job import Job, JobRef
from exports.jobs.retention import DueAction, RetentionAction, next_due, retention_actions
from exports.jobs.watchdog import RunState
from exports.notifications.target import delivery_instance, messages_of
from exports.ports.orchestrations import OrchestrationClient
from exports.services import Services
from exports.steps.finalize.cleanup import clean_up_attempt, mark_and_remove_file
from exports.steps.orchestrations import run_state_of
from exports.steps.upkeep.purge_data import purge_data
from shared.events import emit

_CONCURRENT_JOBS = 8


async def apply_retention(services: Services, client: OrchestrationClient, limit: int = 200) -> None:
    """Run the retention actions that are due now, for at most `limit` jobs. The next run handles the other jobs.

    Safe to run twice, and at the same time, because every action may be repeated. Before the data of a job is removed,
    the job's row says so.
    """
    slots = asyncio.Semaphore(_CONCURRENT_JOBS)

    async def apply_or_log(due: DueAction) -> bool:
        async with slots:
            try:
                await _apply(services, client, due)
            except Exception as error:  # one job must not stop the retention of the others
                emit("retention.failed", logging.ERROR, cause=error, tenant=due.tenant, job=due.code)
                return False
        return True

    began = services.clock()
    actions = await asyncio.to_thread(services.watch.due, services.now(), limit)
    done = await asyncio.gather(*map(apply_or_log, actions))
    emit("retention.ended", seconds=services.clock() - began, jobs=len(done), failed=done.count(False))


async def _apply(services: Services, client: OrchestrationClient, due: DueAction) -> None:
    """Run all actions that are due on one job. Store the next one before removing the entry that was due."""
    now, keep = services.now(), services.settings.rows_kept
    job = await asyncio.to_thread(services.jobs.get, due.tenant, due.code)
    if job is None:
        await asyncio.to_thread(purge_data, services, JobRef(tenant=due.tenant, code=due.code, attempt=1))
    elif job.status.is_terminal:  # otherwise the job was resumed, and its next end stores a new due action
        for moment, action in retention_actions(job, keep):
            if moment <= now:
                await _ACTIONS[action](services, client, job)
        following = next_due(job, keep, now)
        if following is not None:
            await asyncio.to_thread(services.watch.add_due, following)
        if following == due:
            return
    await asyncio.to_thread(services.watch.remove_due, due)


async def _clean_up(services: Services, client: OrchestrationClient, job: Job) -> None:
    """Terminate an orchestration that has not noticed the end of its job. Remove the data its last steps left."""
    if run_state_of(await client.get_status(job.ref.instance_id)) is RunState.ALIVE:
        await client.terminate(job.ref.instance_id, f"The job is {job.status}.")
    await asyncio.to_thread(clean_up_attempt, services, job.ref)


async def _purge_history(services: Services, client: OrchestrationClient, job: Job) -> None:
    """Purge the ended orchestrations of all attempts, and of the deliveries of their notifications."""
    for attempt in range(1, job.attempt + 1):
        instance = job.ref.model_copy(update={"attempt": attempt}).instance_id
        deliveries = {delivery_instance(instance, email) for email in (None, *messages_of(job))}
        for name in (instance, *sorted(deliveries)):
            if run_state_of(await client.get_status(name)) is RunState.DEAD:
                await client.purge_instance_history(name)


async def _remove_file(services: Services, client: OrchestrationClient, job: Job) -> None:
    await asyncio.to_thread(mark_and_remove_file, services, job.ref)


async def _purge(services: Services, client: OrchestrationClient, job: Job) -> None:
    """Purge the history, then the data, and the row last. While the row exists, a later run finds data that remains."""
    await _purge_history(services, client, job)
    found = await asyncio.to_thread(services.jobs.get, job.tenant, job.code)
    if found is not None and found.file_removed:
        await asyncio.to_thread(purge_data, services, job.ref)
        await asyncio.to_thread(services.jobs.purge, job.tenant, job.code)
        emit("job.purged", request=job.request_id, tenant=job.tenant, job=job.code)


_ACTIONS: dict[RetentionAction, Callable[[Services, OrchestrationClient, Job], Awaitable[None]]] = {
    RetentionAction.CLEANUP: _clean_up,
    RetentionAction.HISTORY: _purge_history,
    RetentionAction.FILE: _remove_file,
    RetentionAction.ROWS: _purge,
}
