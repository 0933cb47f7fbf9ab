"""What became of the slots of a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from exports.schedules.schedule import Schedule
from shared.models import Model, Moment

KEEP_RUNS = timedelta(days=90)
"""How long runs are remembered."""


class RunOutcome(StrEnum):
    """What became of a slot. The values are a published contract."""

    STARTED = "Started"
    SKIPPED = "Skipped"
    MISSED = "Missed"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class ScheduleRun:
    """What became of a slot, or of several that were missed in a row.

    Attributes:
        key: The code that the slot's job has or would have had. So a slot has one run, and runs sort newest first.
        until: Where several slots were missed: they are those from `slot` on that came before this moment.
        job_code: The job, if there is one; it may have failed to start.
    """

    tenant: str
    schedule_code: str
    key: str
    slot: datetime
    outcome: RunOutcome
    noted_date: datetime
    reason: str | None = None
    until: datetime | None = None
    job_code: str | None = None


def run_of(
    schedule: Schedule,
    slot: datetime,
    outcome: RunOutcome,
    now: datetime,
    reason: str | None = None,
    *,
    until: datetime | None = None,
    job_code: str | None = None,
) -> ScheduleRun:
    """Describe what became of a slot of a schedule."""
    key = schedule.job_code(slot)
    return ScheduleRun(schedule.tenant, schedule.code, key, slot, outcome, now, reason, until, job_code)


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
