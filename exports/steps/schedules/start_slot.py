"""Starts the job of a schedule's slot."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

from exports.errors import QuotaExceededError, TransientError
from exports.jobs.audit import AuditAction, audit_entry
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.ports.orchestrations import OrchestrationStarter
from exports.request.spec import ExportSpec, InvalidSpecError, SensitiveFields, SensitiveFieldsError
from exports.schedules.decisions import FIRST_CHECK
from exports.schedules.runs import RunOutcome, ScheduleRun, run_of
from exports.schedules.schedule import Schedule
from exports.schedules.watermarks import absent_at_watermark, narrow
from exports.services import Services
from exports.steps.mappings.save_mappings import mapping_name_of
from exports.steps.orchestrations import NotStartedError, start_orchestration
from exports.steps.pages.selection import find_absent_columns
from exports.steps.requests.make_job import make_job
from exports.steps.requests.quotas import require_room
from exports.steps.requests.resolve_spec import resolve_spec
from exports.steps.requests.start_export import start_export
from shared.events import emit
from shared.invocations import host_trace_parent
from shared.telemetry import span

_MAX_QUOTA_WAIT = timedelta(hours=1)
"""How long a slot waits until the tenant's quota admits another job."""


async def start_slot(services: Services, starter: OrchestrationStarter, schedule: Schedule) -> ScheduleRun | None:
    """Start the job of the schedule's slot.

    Safe to run twice, and at the same time: the code of the job follows from the slot, so a slot has at most one job.

    Returns:
        The run, `Started` or `Failed`. None if the outcome is still open, because another process is starting the job,
        or because the slot waits for the tenant's quota. Then the next timer tries again.

    Raises:
        TransientError: Can be tried again.
    """
    code = schedule.last_code
    try:
        with span("start_slot", host_trace_parent(), tenant=schedule.tenant, schedule=schedule.code):
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


def find_slot_job(services: Services, schedule: Schedule) -> Job | None:
    """Return the job of the schedule's last slot; None if the slot has no job yet."""
    code = schedule.last_code
    return services.jobs.get(schedule.tenant, code) if code else None


async def _find_or_start(services: Services, starter: OrchestrationStarter, schedule: Schedule) -> bool:
    found = await asyncio.to_thread(find_slot_job, services, schedule)
    if found is not None:
        return await _ensure_started(services, starter, found)
    job = await asyncio.to_thread(_make_job, services, schedule)
    return await start_export(services, starter, job, f"schedule:{schedule.code}") is not None


async def _ensure_started(services: Services, starter: OrchestrationStarter, job: Job) -> bool:
    """Tell whether the slot's existing job was started; start it if the process that stored it has died.

    Safe to run twice: the instance id belongs to the attempt, so there is at most one orchestration, and a second audit
    entry does no harm.
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


def _make_job(services: Services, schedule: Schedule) -> Job:
    tenant, request, code = schedule.tenant, schedule.content.request, schedule.last_code or ""
    sensitive = SensitiveFields.ALLOWED if schedule.content.sensitive_fields else SensitiveFields.REFUSED
    spec = resolve_spec(services, tenant, request, sensitive)
    require_room(services, tenant)
    wanted, base = _continue(services, schedule, spec)
    job = make_job(tenant, wanted, code, services.now(), request.notify)
    return replace(
        job,
        schedule_code=schedule.code,
        mapping_name=mapping_name_of(services, tenant, request.mapping_code),
        base_absent_columns=base,
    )


def _continue(services: Services, schedule: Schedule, spec: ExportSpec) -> tuple[ExportSpec, tuple[str, ...] | None]:
    """Restrict an incremental run to the changes. Return the columns too that the view must still lack for that.

    Tells the log if the run exports all clients only because the view has gained or lost columns.
    """
    margin = services.settings.incremental_margin
    changes = narrow(spec, schedule, margin)
    if changes is spec:
        return spec, None
    absent = find_absent_columns(services, schedule.tenant, spec)
    if narrow(spec, schedule, margin, absent) is not spec:
        return changes, absent_at_watermark(schedule)
    columns = sorted({*(absent or ())}.symmetric_difference(absent_at_watermark(schedule) or ()))
    emit("schedule.restarted", tenant=schedule.tenant, schedule=schedule.code, columns=",".join(columns))
    return spec, None


def _may_wait(services: Services, schedule: Schedule, error: QuotaExceededError) -> bool:
    """Tell whether the quota may admit another job in time: when an export ends, but not if only tomorrow."""
    waiting_since = schedule.state.check_date or services.now()  # does not change while the slot is starting
    return services.now() + timedelta(seconds=error.retry_after_seconds) < waiting_since + _MAX_QUOTA_WAIT


def _reason(schedule: Schedule, error: Exception) -> str:
    """Explain to the user why the job could not be started."""
    if isinstance(error, InvalidSpecError):
        return " ".join(fault.detail for fault in error.faults)
    if isinstance(error, SensitiveFieldsError):
        named = ", ".join(field.value for field in error.fields)
        return f"The caller who saved the schedule may not export sensitive fields that its mapping has now: {named}."
    emit(
        "schedule.broken", logging.ERROR, cause=error, tenant=schedule.tenant, schedule=schedule.code, error="internal"
    )
    return "The service failed. The people who run it find the reason in the log."


def _run(
    services: Services, schedule: Schedule, outcome: RunOutcome, reason: str | None = None, job_code: str | None = None
) -> ScheduleRun:
    slot = schedule.state.slot or services.now()
    return run_of(schedule, slot, outcome, services.now(), reason, job_code=job_code)
