"""The runs of a schedule: a record of what happened to each slot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from exports.schedules.schedule import Schedule

KEEP_RUNS = timedelta(days=90)
"""How long runs are kept."""


class RunOutcome(StrEnum):
    """What happened to a slot. The values are a published contract."""

    STARTED = "Started"
    SKIPPED = "Skipped"
    MISSED = "Missed"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class ScheduleRun:
    """What happened to a slot, or to several slots that were missed in a row.

    Attributes:
        key: The code that the slot's job has or would have had. So a slot has one run, and runs sort newest first.
        until: Set if several slots were missed: the run stands for all slots from `slot` on, before this moment.
        job_code: Code of the slot's job, if it has one. The job may have failed to start.
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
    """Build the run of a slot."""
    key = schedule.job_code(slot)
    return ScheduleRun(schedule.tenant, schedule.code, key, slot, outcome, now, reason, until, job_code)
