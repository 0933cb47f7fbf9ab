"""Step: decide about the due slots of all schedules, and start their jobs.

Safe to run twice, at the same time, late, and after a crash at any point. A decision is written under the ETag of the
schedule before it is carried out, and the code of a slot's job follows from the slot.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from itertools import islice

from exports.errors import ScheduleNotFoundError, TransientError
from exports.ports.orchestrations import OrchestrationStarter
from exports.schedules.decisions import decide
from exports.schedules.schedule import Schedule, ScheduleRef
from exports.services import Services
from exports.steps.schedules.record_run import complete_start, record_run
from exports.steps.schedules.start_slot import find_slot_job, start_slot
from shared.events import emit

_CONCURRENT_SCHEDULES = 8

_MAX_SECONDS = 50
"""After this time, no more schedules are processed. The next minute processes the rest, so the watchdog, which
shares the timer, runs every minute too."""

_BROKEN_PAUSE = timedelta(minutes=15)


async def run_schedules(services: Services, starter: OrchestrationStarter, seconds: float = _MAX_SECONDS) -> None:
    """Process all due schedules, several at a time, the longest due first.

    A schedule that fails does not stop the others. After a transient error, the next timer processes it again; after
    any other error, it pauses for 15 minutes.

    Raises:
        StorageUnavailableError: The due schedules cannot be listed.
    """
    stop = asyncio.get_running_loop().time() + seconds
    due = services.schedules.due(services.now())
    while some := await asyncio.to_thread(lambda: list(islice(due, _CONCURRENT_SCHEDULES))):
        by_tenant: dict[str, list[ScheduleRef]] = {}
        for ref in some:
            by_tenant.setdefault(ref.tenant, []).append(ref)
        await asyncio.gather(*(_run_in_turn(services, starter, refs) for refs in by_tenant.values()))
        if asyncio.get_running_loop().time() >= stop:
            emit("schedule.left", logging.WARNING, seconds=seconds)
            return


async def _run_in_turn(services: Services, starter: OrchestrationStarter, refs: Sequence[ScheduleRef]) -> None:
    """Process schedules of one tenant one after the other, so that they do not exceed its quota together."""
    for ref in refs:
        await _run_or_log(services, starter, ref)


async def _run_or_log(services: Services, starter: OrchestrationStarter, ref: ScheduleRef) -> None:
    try:
        await run_schedule(services, starter, ref)
    except TransientError as error:
        emit("schedule.delayed", logging.WARNING, tenant=ref.tenant, schedule=ref.code, error=error.code)
    except Exception as error:
        emit("schedule.broken", logging.ERROR, cause=error, tenant=ref.tenant, schedule=ref.code, error="internal")
        await asyncio.to_thread(_postpone, services, ref)


def _postpone(services: Services, ref: ScheduleRef) -> None:
    """Pause a broken schedule, so that it does not take the time of the others every minute."""
    try:
        services.schedules.postpone(ref, services.now() + _BROKEN_PAUSE)
    except Exception as error:
        emit("schedule.stuck", logging.ERROR, cause=error, tenant=ref.tenant, schedule=ref.code)


async def run_schedule(services: Services, starter: OrchestrationStarter, ref: ScheduleRef) -> None:
    """Decide about the due slots of one schedule, and start the job of the slot that is to start, if there is one.

    The decision to start may be from an earlier run that did not finish. If the schedule was deleted meanwhile, its
    runs are deleted too.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    try:
        schedule = await asyncio.to_thread(_decide, services, ref)
        run = await start_slot(services, starter, schedule) if schedule.state.starting else None
        if run is not None:
            await asyncio.to_thread(complete_start, services, schedule, run)
    except ScheduleNotFoundError:
        await asyncio.to_thread(services.runs.forget, ref)  # runs that were recorded after the schedule was deleted


def _decide(services: Services, ref: ScheduleRef) -> Schedule:
    """Record the decided runs, then write the schedule. A run may be recorded twice, but must not be lost."""

    def alter(schedule: Schedule) -> Schedule:
        decision = decide(schedule, find_slot_job(services, schedule), services.now())
        for run in decision.runs:
            record_run(services, run)
        return decision.after

    return services.schedules.change(ref.tenant, ref.code, alter)
