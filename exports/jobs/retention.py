"""What becomes of a job after its end, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from exports.jobs.job import Job
from exports.jobs.states import JobStatus

BLOCK_LIFE = timedelta(days=7)
"""Azure Storage drops staged blocks a week after the last one was staged; until then a job can be resumed."""

_TIDY, _HISTORY = timedelta(minutes=2), timedelta(days=1)


class RetentionAction(StrEnum):
    """A thing to be done about a job that has ended."""

    TIDY = "tidy"
    HISTORY = "history"
    FILE = "file"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class DueAction:
    """A job that has ended, and when something is to be done about it."""

    tenant: str
    code: str
    due: datetime


def retention_actions(job: Job, keep_rows: timedelta) -> list[tuple[datetime, RetentionAction]]:
    """List what is to be done about a job that has ended, earliest first.

    Tidying comes when the orchestration of a job without a file should be over. A file goes when it expires, and
    staged blocks when storage drops them itself; all rows some time after that.
    """
    if job.completed_date is None:
        return []
    ended = job.completed_date
    completed = job.status is JobStatus.COMPLETED
    file = job.expiry_date if completed and job.expiry_date else ended + BLOCK_LIFE
    todo = [(ended + _HISTORY, RetentionAction.HISTORY), (file, RetentionAction.FILE)]
    if not completed:
        todo.append((ended + _TIDY, RetentionAction.TIDY))
    rows = (file + keep_rows, RetentionAction.ROWS)  # with them go the histories, if they have not yet
    return [*sorted(each for each in todo if each[0] <= rows[0]), rows]


def next_due(job: Job, keep_rows: timedelta, after: datetime) -> DueAction | None:
    """Say when something is to be done about the job for the first time after a moment."""
    moments = (moment for moment, _ in retention_actions(job, keep_rows) if moment > after)
    due = next(moments, None)
    return DueAction(job.tenant, job.code, due) if due else None


def first_due(job: Job, keep_rows: timedelta) -> DueAction | None:
    """Say when something is to be done about the job first."""
    moments = retention_actions(job, keep_rows)
    return DueAction(job.tenant, job.code, moments[0][0]) if moments else None
