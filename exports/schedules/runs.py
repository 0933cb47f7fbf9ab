"""What became of the slots of a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from exports.schedules.schedule import Schedule

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
