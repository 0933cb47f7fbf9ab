"""Step: do what is due about jobs that have ended: tidy up, remove files, forget."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from exports.jobs.job import Job, JobRef
from exports.jobs.retention import DueAction, RetentionAction, next_due, retention_actions
from exports.jobs.watchdog import RunState
from exports.ports.orchestrations import OrchestrationClient
from exports.services import Services
from exports.steps.finalize.cleanup import clean_up_attempt, discard_file_of
from exports.steps.orchestrations import run_state_of

_TOGETHER = 8
_log = logging.getLogger(__name__)


class HistoryClient(OrchestrationClient, Protocol):
    """The part of `azure.durable_functions.DurableOrchestrationClient` that ends and forgets orchestrations."""

    async def purge_instance_history(self, instance_id: str) -> Any: ...


async def apply_retention(services: Services, keeper: HistoryClient, limit: int = 200) -> None:
    """Do what is due by now, at most so much of it; what is left over is due at the next time.

    Safe to run twice, and at the same time: every act may be repeated, and what a job comes to stands in its row before
    it is done.
    """
    places = asyncio.Semaphore(_TOGETHER)

    async def retire(due: DueAction) -> None:
        async with places:
            try:
                await _retire(services, keeper, due)
            except Exception:  # one job must not keep the others
                _log.exception("event=retire.failed tenant=%s code=%s", due.tenant, due.code)

    await asyncio.gather(*map(retire, await asyncio.to_thread(services.watch.due, services.now(), limit)))


async def _retire(services: Services, keeper: HistoryClient, due: DueAction) -> None:
    now, keep_rows = services.now(), services.settings.keep_rows
    job = await asyncio.to_thread(services.jobs.get, due.tenant, due.code)
    if job is None:
        await asyncio.to_thread(purge_remains, services, JobRef(tenant=due.tenant, code=due.code, attempt=1))
    elif job.status.is_terminal:  # else it was resumed, and its next end will be remembered
        for moment, retirement in retention_actions(job, keep_rows):
            if moment <= now:
                await _ACTS[retirement](services, keeper, job)
        following = next_due(job, keep_rows, now)
        if following is not None:
            await asyncio.to_thread(services.watch.add_due, following)
        if following == due:
            return
    await asyncio.to_thread(services.watch.remove_due, due)


async def _tidy(services: Services, keeper: HistoryClient, job: Job) -> None:
    """An orchestration that has not noticed the end is ended; what its last steps left goes."""
    if run_state_of(await keeper.get_status(job.ref.instance_id)) is RunState.ALIVE:
        await keeper.terminate(job.ref.instance_id, f"The job is {job.status}.")
    await asyncio.to_thread(clean_up_attempt, services, job.ref)


async def _forget_history(services: Services, keeper: HistoryClient, job: Job) -> None:
    for attempt in range(1, job.attempt + 1):
        instance = job.ref.model_copy(update={"attempt": attempt}).instance_id
        for name in (instance, f"{instance}-webhook"):
            if run_state_of(await keeper.get_status(name)) is RunState.DEAD:
                await keeper.purge_instance_history(name)


async def _remove_file(services: Services, keeper: HistoryClient, job: Job) -> None:
    """The row says so first: from then on the job can neither be read nor resumed, so nothing that runs is removed."""
    await asyncio.to_thread(_remove, services, job.ref)


def _remove(services: Services, ref: JobRef) -> None:
    def removed(job: Job) -> Job:
        return job.remove_file() if job.status.is_terminal and job.attempt == ref.attempt else job

    job = services.jobs.change(ref.tenant, ref.code, removed)
    if job.file_removed:
        discard_file_of(services, job)
        _log.info("event=file.removed tenant=%s code=%s", job.tenant, job.code)


async def _purge(services: Services, keeper: HistoryClient, job: Job) -> None:
    """The row goes last: while it is there, whatever has not gone is found again."""
    await _forget_history(services, keeper, job)
    found = await asyncio.to_thread(services.jobs.get, job.tenant, job.code)
    if found is not None and found.file_removed:
        await asyncio.to_thread(purge_remains, services, job.ref)
        await asyncio.to_thread(services.jobs.purge, job.tenant, job.code)
        _log.info("event=job.purged tenant=%s code=%s", job.tenant, job.code)


def purge_remains(services: Services, ref: JobRef) -> None:
    """Remove all there is of a job but its row and its audit entries."""
    services.files.purge(ref)
    services.pages.purge(ref)
    services.deliveries.purge(ref.tenant, ref.code)


_ACTS: dict[RetentionAction, Callable[[Services, HistoryClient, Job], Awaitable[None]]] = {
    RetentionAction.CLEANUP: _tidy,
    RetentionAction.HISTORY: _forget_history,
    RetentionAction.FILE: _remove_file,
    RetentionAction.ROWS: _purge,
}
