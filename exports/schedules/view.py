"""Schedules and their runs as the API shows them."""

from __future__ import annotations

from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.request.body import CsvExportRequestDto
from exports.request.hidden_urls import hide_url
from exports.schedules.body import SaveScheduleDto
from exports.schedules.runs import RunOutcome, ScheduleRun
from exports.schedules.schedule import Overlap, Schedule
from shared.models import Model, Moment

_SHOWN_SLOTS = 3


class ExportScheduleDto(Model):
    """A schedule as the API shows it. Every property is always present.

    Attributes:
        code: Identifies the schedule.
        request: What the schedule exports; only the scheme and host of a URL in `notify` are shown.
        next_run_date: The next slot; null if there is none or the schedule is disabled.
        next_run_dates: The next three slots; empty if there is none or the schedule is disabled.
        last_run_date: When the schedule last started an export.
        last_job_code: Code of the export that the schedule started last.
    """

    code: str
    name: str
    cron: str
    time_zone: str
    enabled: bool
    request: CsvExportRequestDto
    overlap: Overlap
    incremental: bool
    next_run_date: Moment | None
    next_run_dates: tuple[Moment, ...]
    last_run_date: Moment | None
    last_job_code: str | None
    created_date: Moment
    updated_date: Moment


def show_schedule(schedule: Schedule) -> ExportScheduleDto:
    """Build the public view of a schedule."""
    content, state = schedule.content, schedule.state
    shown = {name: getattr(content, name) for name in SaveScheduleDto.model_fields}
    return ExportScheduleDto(
        **shown | {"request": hide_url(content.request)},
        code=schedule.code,
        next_run_date=state.next_slot,
        next_run_dates=schedule.next_slots(_SHOWN_SLOTS),
        last_run_date=state.last_run_date,
        last_job_code=state.last_job_code,
        created_date=schedule.created_date,
        updated_date=schedule.updated_date,
    )


class ScheduleRunDto(Model):
    """What happened to a slot of a schedule. Every property is always present.

    Attributes:
        slot_date: The slot.
        until_date: Set if several slots were missed in a row: the run stands for all slots from `slotDate` on, before
            this moment.
        outcome: `Started`: the slot has an export. `Skipped`: the previous export was still running, a newer slot
            replaced this one, or the schedule was paused. `Missed`: the service did not process the slot in time.
            `Failed`: the export could not be started.
        reason: Why no export was started.
        job_code: Code of the slot's export.
        job_status: The status of the slot's export now; null if the export has none, or its records are deleted.
        noted_date: When this run was recorded.
    """

    slot_date: Moment
    until_date: Moment | None
    outcome: RunOutcome
    reason: str | None
    job_code: str | None
    job_status: JobStatus | None
    noted_date: Moment


def show_run(run: ScheduleRun, job: Job | None) -> ScheduleRunDto:
    """Build the public view of a run and its job, if it has one."""
    return ScheduleRunDto(
        slot_date=run.slot,
        until_date=run.until,
        outcome=run.outcome,
        reason=run.reason,
        job_code=run.job_code,
        job_status=job.status if job else None,
        noted_date=run.noted_date,
    )
