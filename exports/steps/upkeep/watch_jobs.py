"""Step: look after jobs that should be under way, so that none is stuck for ever."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from exports.jobs.failures import INTERRUPTED, STALLED, Failure
from exports.jobs.job import Job
from exports.jobs.watchdog import WRITING_TIME, Action, RunState, Watched, judge, watched
from exports.services import Services
from exports.steps.fencing import change_running
from exports.steps.finalize.cleanup import clean_up_attempt
from exports.steps.finalize.finalize_job import finalize_job
from exports.steps.notifications.start_notification import notify_of_end
from exports.steps.requests.start_export import OrchestrationStarter, start_orchestration
from exports.workflow.commands import StartNotification

_ALIVE = frozenset({"Pending", "Running", "ContinuedAsNew", "Suspended"})
_TOGETHER = 8
_log = logging.getLogger(__name__)


class OrchestrationClient(OrchestrationStarter, Protocol):
    """The part of `azure.durable_functions.DurableOrchestrationClient` that is used to look after orchestrations."""

    async def terminate(self, instance_id: str, reason: str) -> None: ...


async def watch_jobs(services: Services, keeper: OrchestrationClient, limit: int = 1_000) -> None:
    """Look once at every attempt that is under way, and act where one has come to nothing.

    Safe to run twice at the same time: every act is conditional on the attempt, or has the attempt's own name. What
    cannot be done now, because a service does not answer, is left to the next look.
    """
    places = asyncio.Semaphore(_TOGETHER)

    async def look(entry: Watched) -> None:
        async with places:
            try:
                await _look_at(services, keeper, entry)
            except Exception:  # one job must not keep the watchdog from the others
                _log.exception("event=watch.failed tenant=%s code=%s", entry.tenant, entry.code)

    entries = await asyncio.to_thread(services.watch.watched, limit)
    while entries:
        await asyncio.gather(*map(look, entries))
        entries = await asyncio.to_thread(services.watch.watched, limit, entries[-1])


async def _look_at(services: Services, keeper: OrchestrationClient, entry: Watched) -> None:
    job = await asyncio.to_thread(services.jobs.get, entry.tenant, entry.code)
    if job is None or job.attempt < entry.attempt:
        if services.now() - entry.since >= WRITING_TIME:  # whoever was about to store this attempt never will
            await asyncio.to_thread(services.watch.unwatch, entry)
    elif not job.runs(entry.attempt):
        await _finish(services, keeper, entry)
    else:
        await _look_after(services, keeper, entry, job)


async def _finish(services: Services, keeper: OrchestrationClient, entry: Watched) -> None:
    """Do what whoever ended the attempt has not got round to."""
    await asyncio.to_thread(clean_up_attempt, services, entry.ref)
    await notify_of_end(services, keeper, StartNotification(job=entry.ref))
    await asyncio.to_thread(finalize_job, services, entry.ref)


async def _look_after(services: Services, keeper: OrchestrationClient, entry: Watched, job: Job) -> None:
    status = await keeper.get_status(job.ref.instance_id)
    sign = await asyncio.to_thread(_sign_of, services, job, status)
    seen = entry.observe(sign, services.now())
    await asyncio.to_thread(services.watch.note, seen)
    state = state_of(status)
    action = judge(job, state, services.now() - seen.since, services.settings.timeouts)
    if action is Action.LEAVE:
        return
    _log.warning("event=watch.%s tenant=%s code=%s attempt=%d", action, job.tenant, job.code, job.attempt)
    if action is Action.START:
        await start_orchestration(services, keeper, job)
    elif action is Action.RETRY:
        await _retry(services, keeper, job, state)
    else:
        await _fail(services, keeper, job, state)


def _sign_of(services: Services, job: Job, status: Any) -> str:
    """Everything that changes while an attempt comes on, be it by a page or by an event of its orchestration."""
    in_flight = sum(1 for _ in services.pages.records(job.ref, job.settled_pages))
    moved = status.last_updated_time if status else None
    return f"{job.status} {job.settled_pages} {in_flight} {moved}"


def state_of(status: Any) -> RunState:
    """Read what Durable Functions says of an orchestration."""
    if not status:
        return RunState.MISSING
    return RunState.ALIVE if status.runtime_status.name in _ALIVE else RunState.DEAD


async def _retry(services: Services, keeper: OrchestrationClient, job: Job, state: RunState) -> None:
    """Put another attempt in this one's place: watched first, then stored, then started; as `start_export` does."""
    await _stop(keeper, job, state)
    await asyncio.to_thread(services.watch.watch, watched(job.retry().ref, services.now()))
    retried = await asyncio.to_thread(change_running, services, job.ref, lambda job: job.retry())
    if retried is not None:
        await start_orchestration(services, keeper, retried)
    await asyncio.to_thread(finalize_job, services, job.ref)


async def _fail(services: Services, keeper: OrchestrationClient, job: Job, state: RunState) -> None:
    await _stop(keeper, job, state)
    failure: Failure = STALLED if state is RunState.ALIVE else INTERRUPTED
    await asyncio.to_thread(change_running, services, job.ref, lambda job: job.fail(services.now(), failure))
    await _finish(services, keeper, watched(job.ref, services.now()))


async def _stop(keeper: OrchestrationClient, job: Job, state: RunState) -> None:
    if state is RunState.ALIVE:
        await keeper.terminate(job.ref.instance_id, "No progress; see the job's row.")
