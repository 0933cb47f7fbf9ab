"""Step: give every slot that has come its job.

Safe to run twice, at the same time, late, and after a crash at any point: what is decided is written under the ETag of
the schedule before it is done, and a slot's job has a code that follows from the slot.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice

from exports.errors import QuotaExceededError, ScheduleNotFoundError, TransientError
from exports.jobs.audit import AuditAction, audit_entry
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.ports.orchestrations import OrchestrationStarter
from exports.request.spec import InvalidSpecError, SensitiveFields, SensitiveFieldsError
from exports.schedules.decisions import FIRST_CHECK, decide
from exports.schedules.runs import KEEP_RUNS, RunOutcome, ScheduleRun, run_of
from exports.schedules.schedule import Schedule, ScheduleRef
from exports.schedules.watermarks import narrow
from exports.services import Services
from exports.steps.orchestrations import NotStartedError, start_orchestration
from exports.steps.requests.make_job import make_job
from exports.steps.requests.quotas import require_quota
from exports.steps.requests.resolve_spec import resolve_spec
from exports.steps.requests.start_export import start_export

AT_ONCE = 8
_SECONDS = 240
"""After this long no more schedules are looked at: the timer comes every minute, and goes on with those left."""
PATIENCE = timedelta(hours=1)
"""How long a slot waits for a place in the tenant's quota."""
_BROKEN_FOR = timedelta(minutes=15)

_log = logging.getLogger(__name__)


async def run_schedules(services: Services, starter: OrchestrationStarter, seconds: float = _SECONDS) -> None:
    """Look at all schedules that are due, some at a time, those first that have been for longest.

    One that fails does not stop the others: if it can pass, it is looked at again with the next timer.

    Raises:
        StorageUnavailableError: It cannot be found out what is due.
    """
    stop = asyncio.get_running_loop().time() + seconds
    due = services.schedules.due(services.now())
    while some := await asyncio.to_thread(lambda: list(islice(due, AT_ONCE))):
        by_tenant: dict[str, list[ScheduleRef]] = {}
        for ref in some:
            by_tenant.setdefault(ref.tenant, []).append(ref)
        await asyncio.gather(*(_look_at_each(services, starter, refs) for refs in by_tenant.values()))
        if asyncio.get_running_loop().time() >= stop:
            _log.warning("event=schedules.left reason=time")
            return


async def _look_at_each(services: Services, starter: OrchestrationStarter, refs: Sequence[ScheduleRef]) -> None:
    """Look at schedules of one tenant in turn, so that they do not take the last place of its quota together."""
    for ref in refs:
        await _look_at(services, starter, ref)


async def _look_at(services: Services, starter: OrchestrationStarter, ref: ScheduleRef) -> None:
    try:
        await run_schedule(services, starter, ref)
    except TransientError as error:
        _log.warning("event=schedule.delayed tenant=%s code=%s reason=%s", ref.tenant, ref.code, error.code)
    except Exception:
        _log.exception("event=schedule.broken tenant=%s code=%s", ref.tenant, ref.code)
        await asyncio.to_thread(_postpone, services, ref)


def _postpone(services: Services, ref: ScheduleRef) -> None:
    """Let a schedule that is broken rest for a while."""
    try:
        services.schedules.postpone(ref, services.now() + _BROKEN_FOR)
    except Exception:
        _log.exception("event=schedule.stuck tenant=%s code=%s", ref.tenant, ref.code)


async def run_schedule(services: Services, starter: OrchestrationStarter, ref: ScheduleRef) -> None:
    """Decide about the slots of a schedule that have come, and start what was decided to start, now or before.

    Of a schedule that was deleted meanwhile nothing is left.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    try:
        schedule = await asyncio.to_thread(_decide, services, ref)
        run = await _start(services, starter, schedule) if schedule.state.starting else None
        if run is not None:
            await asyncio.to_thread(_finish, services, schedule, run)
    except ScheduleNotFoundError:
        await asyncio.to_thread(services.runs.forget, ref)  # what was noted after they were deleted with it


def _decide(services: Services, ref: ScheduleRef) -> Schedule:
    """Note first, then write: what is noted twice does no harm, and what was never noted would be lost."""

    def alter(schedule: Schedule) -> Schedule:
        decision = decide(schedule, _last_job(services, schedule), services.now())
        for run in decision.runs:
            _note(services, run)
        return decision.after

    return services.schedules.change(ref.tenant, ref.code, alter)


async def _start(services: Services, starter: OrchestrationStarter, schedule: Schedule) -> ScheduleRun | None:
    """Give the slot its job; None if another is just doing so, and it has to be looked at again."""
    code = schedule.last_code
    try:
        started = await _find_or_start(services, starter, schedule)
    except NotStartedError as error:
        return _run(services, schedule, RunOutcome.FAILED, str(error), code)
    except TransientError:
        raise
    except QuotaExceededError as error:
        if _may_wait(services, schedule, error):
            return None
        return _run(services, schedule, RunOutcome.FAILED, str(error))
    except Exception as error:
        return _run(services, schedule, RunOutcome.FAILED, _reason(schedule, error))
    return _run(services, schedule, RunOutcome.STARTED, job_code=code) if started else None


def _may_wait(services: Services, schedule: Schedule, error: QuotaExceededError) -> bool:
    """Say whether a place may become free in time: by the end of another export, not tomorrow."""
    begun = schedule.state.check_date or services.now()  # it stays as it was set then
    return services.now() + timedelta(seconds=error.retry_after_seconds) < begun + PATIENCE


def _run(
    services: Services, schedule: Schedule, outcome: RunOutcome, reason: str | None = None, job_code: str | None = None
) -> ScheduleRun:
    slot = schedule.state.slot or services.now()
    return run_of(schedule, slot, outcome, services.now(), reason, job_code=job_code)


def _reason(schedule: Schedule, error: Exception) -> str:
    """Say in plain words why an export could not be started."""
    if isinstance(error, InvalidSpecError):
        return " ".join(fault.detail for fault in error.faults)
    if isinstance(error, SensitiveFieldsError):
        named = ", ".join(field.value for field in error.fields)
        return f"Whoever saved the schedule may not export what its mapping holds now: {named}."
    _log.error("event=schedule.broken tenant=%s code=%s", schedule.tenant, schedule.code, exc_info=error)
    return "The service failed; whoever runs it finds the reason in the log."


async def _find_or_start(services: Services, starter: OrchestrationStarter, schedule: Schedule) -> bool:
    found = await asyncio.to_thread(_last_job, services, schedule)
    if found is not None:
        return await _go_on(services, starter, found)
    job = await asyncio.to_thread(_make_job, services, schedule)
    return await start_export(services, starter, job, f"schedule:{schedule.code}") is not None


async def _go_on(services: Services, starter: OrchestrationStarter, job: Job) -> bool:
    """Take the job that the slot has already; say whether it is known to have been started.

    If it was stored by one who died then, that is noted and its orchestration is started. There is only one of its
    name, so an attempt to start another does no harm; neither does a second note.
    """
    if job.status is not JobStatus.QUEUED:
        return True
    if services.now() - job.created_date < FIRST_CHECK:
        return False
    entry = audit_entry(AuditAction.STARTED, f"schedule:{job.schedule_code}", job, services.now())
    await asyncio.to_thread(services.audit.append, entry)
    try:
        await start_orchestration(services, starter, job)
    except NotStartedError:
        return False
    return True


def _last_job(services: Services, schedule: Schedule) -> Job | None:
    code = schedule.last_code
    return services.jobs.get(schedule.tenant, code) if code else None


def _make_job(services: Services, schedule: Schedule) -> Job:
    tenant, request, code = schedule.tenant, schedule.content.request, schedule.last_code or ""
    sensitive = SensitiveFields.ALLOWED if schedule.content.sensitive_fields else SensitiveFields.REFUSED
    spec = resolve_spec(services, tenant, request, sensitive)
    require_quota(services, tenant)
    spec = narrow(spec, schedule, services.settings.incremental_margin)
    job = make_job(tenant, spec, code, services.now(), request.notify)
    return replace(job, schedule_code=schedule.code)


def _finish(services: Services, schedule: Schedule, run: ScheduleRun) -> None:
    """Note what became of the slot, forget what is old, and go on."""
    now = services.now()
    _note(services, run)
    services.runs.forget(schedule.ref, now - KEEP_RUNS)

    def alter(current: Schedule) -> Schedule:
        is_known = not current.state.starting and run.job_code in (None, current.state.last_job_code)
        if current.state.slot != run.slot or is_known:
            return current
        if run.job_code is None:
            return current.with_state(starting=False, open=False, check_date=None)
        told = {"last_run_date": run.noted_date, "last_job_code": run.job_code}
        return current.with_state(starting=False, open=True, check_date=now + FIRST_CHECK, **told)

    services.schedules.change(schedule.tenant, schedule.code, alter)


def _note(services: Services, run: ScheduleRun) -> None:
    services.runs.record(run)
    outcome, slot = run.outcome.lower(), run.slot.isoformat()
    _log.info("event=schedule.%s tenant=%s code=%s slot=%s", outcome, run.tenant, run.schedule_code, slot)
