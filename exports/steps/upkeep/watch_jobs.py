"""Step: check every job that should be running, so that no job is stuck for ever."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import timedelta
from typing import Any

from exports.jobs.audit import AuditAction, audit_entry
from exports.jobs.failures import INTERRUPTED, STALLED, Failure
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.jobs.watchdog import MAX_WRITE_TIME, Action, RunState, Watched, judge, watched
from exports.ports.orchestrations import OrchestrationClient
from exports.services import Services
from exports.steps.finalize.cleanup import clean_up_attempt
from exports.steps.finalize.finalize_job import finalize_job
from exports.steps.job_ends import end_running
from exports.steps.notifications.start_notification import start_notification
from exports.steps.orchestrations import run_state_of, start_orchestration
from exports.steps.watching import retry_running
from exports.workflow.commands import StartNotification
from shared.events import emit

AUDIT_ACTOR = "watchdog"
_CONCURRENT_CHECKS = 8
_LONG = timedelta(minutes=5)
"""A job that has made no progress for so long is told in the log, at every run of the watchdog."""


async def watch_jobs(services: Services, client: OrchestrationClient, limit: int = 1_000) -> None:
    """Check every watched attempt once, and start, retry, fail or finish it where necessary.

    Safe to run twice at the same time: every action is conditional on the attempt or uses the attempt's own instance
    id. If a service does not answer, the attempt is left to the next run.

    Args:
        limit: How many entries of the watch index are read at once. All entries are checked.
    """
    slots = asyncio.Semaphore(_CONCURRENT_CHECKS)

    async def check_or_log(entry: Watched) -> bool:
        async with slots:
            try:
                await _check(services, client, entry)
            except Exception as error:  # one job must not keep the watchdog from the others
                emit(
                    "watch.failed",
                    logging.ERROR,
                    cause=error,
                    tenant=entry.tenant,
                    job=entry.code,
                    attempt=entry.attempt,
                )
                return False
        return True

    began, done = services.clock(), Counter[bool]()
    entries = await asyncio.to_thread(services.watch.watched, limit)
    while entries:
        done.update(await asyncio.gather(*map(check_or_log, entries)))
        entries = await asyncio.to_thread(services.watch.watched, limit, entries[-1])
    emit("watch.ended", seconds=services.clock() - began, jobs=done.total(), failed=done[False])


async def _check(services: Services, client: OrchestrationClient, entry: Watched) -> None:
    job = await asyncio.to_thread(services.jobs.get, entry.tenant, entry.code)
    if job is None or job.attempt < entry.attempt:
        await asyncio.to_thread(_give_up_if_late, services, entry)
    elif not job.runs(entry.attempt):
        await _finish(services, client, entry)
    else:
        await _check_running(services, client, entry, job)


def _give_up_if_late(services: Services, entry: Watched) -> None:
    """Stop watching an attempt if the process that was about to store it has ended.

    Only time that the watchdog has observed counts, because the clock of the writer may be behind.
    """
    now = services.now()
    observed = entry.observe(entry.fingerprint, now)
    if now - observed.since >= MAX_WRITE_TIME:
        services.watch.unwatch(entry)
    else:
        services.watch.update(observed)


async def _finish(services: Services, client: OrchestrationClient, entry: Watched) -> None:
    """Do what remains to be done after the end of an attempt: cleanup, notification, retention."""
    await asyncio.to_thread(clean_up_attempt, services, entry.ref)
    await start_notification(services, client, StartNotification(job=entry.ref))


async def _check_running(services: Services, client: OrchestrationClient, entry: Watched, job: Job) -> None:
    status = await client.get_status(job.ref.instance_id)
    fingerprint = await asyncio.to_thread(_progress_fingerprint, services, job, status)
    observed = entry.observe(fingerprint, services.now())
    await asyncio.to_thread(services.watch.update, observed)
    state = run_state_of(status)
    idle = services.now() - observed.since
    action = judge(job, state, idle, services.settings.timeouts)
    _tell(job, action, idle)
    if action is Action.LEAVE:
        return
    if action is Action.START:
        await _start(services, client, job)
    elif action is Action.RETRY:
        await _retry(services, client, job, state)
    else:
        await _fail(services, client, job, state)


def _tell(job: Job, action: Action, idle: timedelta) -> None:
    """Tell the log what the watchdog does about a job, or that it leaves a job that has made no progress for long."""
    fields: dict[str, Any] = {"request": job.request_id, "tenant": job.tenant, "job": job.code, "attempt": job.attempt}
    fields |= {"status": job.status, "seconds": idle.total_seconds()}
    if action is Action.START:
        emit("watch.start", logging.WARNING, **fields)
    elif action is Action.RETRY:
        emit("watch.retry", logging.WARNING, **fields)
    elif action is Action.FAIL:
        emit("watch.fail", logging.WARNING, **fields)
    elif idle >= _LONG and job.status is JobStatus.QUEUED:
        emit("watch.queued", logging.WARNING, **fields)
    elif idle >= _LONG:
        emit("watch.stalled", logging.WARNING, **fields)


def _progress_fingerprint(services: Services, job: Job, status: Any) -> str:
    """Combine everything that changes when the attempt makes progress: its pages and its orchestration's events."""
    in_flight = sum(1 for _ in services.pages.records(job.ref, job.settled_pages))
    last_event = status.last_updated_time if status else None
    return f"{job.status} {job.settled_pages} {in_flight} {last_event}"


async def _start(services: Services, client: OrchestrationClient, job: Job) -> None:
    """Start an attempt whose start was lost, with an audit entry: the process that stored the attempt may have died
    before it added its own. A second entry does no harm. Attempts that nobody asked for have none.
    """
    if not job.retries:
        action = AuditAction.STARTED if job.kept_items is None else AuditAction.RESUMED
        entry = audit_entry(action, AUDIT_ACTOR, job, services.now())
        await asyncio.to_thread(services.audit.append, entry)
    await start_orchestration(services, client, job)


async def _retry(services: Services, client: OrchestrationClient, job: Job, state: RunState) -> None:
    """Replace this attempt with a new one: watch it first, then store it, then start it, as `start_export` does."""
    await _terminate(client, job, state)
    retried = await asyncio.to_thread(retry_running, services, job)
    if retried is not None:
        await start_orchestration(services, client, retried)
    await asyncio.to_thread(finalize_job, services, job.ref)


async def _fail(services: Services, client: OrchestrationClient, job: Job, state: RunState) -> None:
    await _terminate(client, job, state)
    failure: Failure = STALLED if state is RunState.ALIVE else INTERRUPTED
    await asyncio.to_thread(end_running, services, job.ref, lambda job: job.fail(services.now(), failure))
    await _finish(services, client, watched(job.ref, services.now()))


async def _terminate(client: OrchestrationClient, job: Job, state: RunState) -> None:
    if state is RunState.ALIVE:
        await client.terminate(job.ref.instance_id, "No progress; see the job's row.")
