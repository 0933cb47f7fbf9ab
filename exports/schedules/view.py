"""Schedules and their runs as their user sees them."""

from __future__ import annotations

from exports.request.body import CsvExportRequestDto
from exports.request.hidden_urls import hide_url
from exports.schedules.body import SaveScheduleDto
from exports.schedules.runs import RunOutcome, ScheduleRun
from exports.schedules.schedule import Overlap, Schedule
from shared.models import Model, Moment


class ExportScheduleDto(Model):
    """A schedule as its user sees it. Every property is always present.

    Attributes:
        code: Names the schedule; looked up by it.
        request: What it exports; of a URL in `notify` only the host is shown.
        next_run_date: The next slot; null when there is none, or the schedule is not enabled.
        last_run_date: When an export was started last.
        last_job_code: The export that was started last.
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
    last_run_date: Moment | None
    last_job_code: str | None
    created_date: Moment
    updated_date: Moment


def show_schedule(schedule: Schedule) -> ExportScheduleDto:
    """Build the public view of a schedule."""
    content, state = schedule.content, schedule.state
    said = {name: getattr(content, name) for name in SaveScheduleDto.model_fields}
    return ExportScheduleDto(
        **said | {"request": hide_url(content.request)},
        code=schedule.code,
        next_run_date=state.next_slot,
        last_run_date=state.last_run_date,
        last_job_code=state.last_job_code,
        created_date=schedule.created_date,
        updated_date=schedule.updated_date,
    )


class ScheduleRunDto(Model):
    """What became of a slot of a schedule. Every property is always present.

    Attributes:
        slot_date: The slot.
        until_date: Where several slots were missed in a row: they are those from `slotDate` on and before this.
        outcome: `Started`: it has an export. `Skipped`: another was still running, or a newer slot took its place.
            `Missed`: the service did not get to it in time. `Failed`: the export could not be started.
        reason: Why it was not started.
        job_code: Its export.
        noted_date: When this was written down.
    """

    slot_date: Moment
    until_date: Moment | None
    outcome: RunOutcome
    reason: str | None
    job_code: str | None
    noted_date: Moment


def show_run(run: ScheduleRun) -> ScheduleRunDto:
    """Build the public view of a run."""
    return ScheduleRunDto(
        slot_date=run.slot,
        until_date=run.until,
        outcome=run.outcome,
        reason=run.reason,
        job_code=run.job_code,
        noted_date=run.noted_date,
    )
