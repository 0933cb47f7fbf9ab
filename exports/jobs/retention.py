"""Retention: which data of a job is removed after its end, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from exports.jobs.job import Job
from exports.jobs.states import JobStatus

BLOCK_LIFE = timedelta(days=7)
"""Azure Storage drops staged blocks a week after the last one was staged. Until then a job can be resumed."""

_CLEANUP_DELAY, _HISTORY_DELAY = timedelta(minutes=2), timedelta(days=1)


class RetentionAction(StrEnum):
    """An action on a job that has ended."""

    CLEANUP = "cleanup"
    HISTORY = "history"
    FILE = "file"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class DueAction:
    """A job that has ended, and the moment at which an action on it is due."""

    tenant: str
    code: str
    due: datetime


def resumable_until(job: Job) -> datetime | None:
    """Return the moment until which the job can be resumed; None if it cannot be resumed."""
    if not job.is_resumable or job.completed_date is None:
        return None
    return job.completed_date + BLOCK_LIFE


@dataclass(frozen=True, slots=True)
class RowsKept:
    """How long the rows of a job are kept after its file was removed.

    Attributes:
        with_notify: The rows of a job with `notify` are kept at least so long after its end. The tries of its
            notification need them: without the rows they would stop before the last one, and nobody would be told.
    """

    after_file: timedelta
    with_notify: timedelta = timedelta()


def retention_actions(job: Job, keep: RowsKept) -> list[tuple[datetime, RetentionAction]]:
    """List the actions on a job that has ended, with the moment of each, earliest first.

    The cleanup of a job without a file comes when its orchestration should have ended. A file is removed when it
    expires, and staged blocks when storage would drop them anyway. All rows are removed last.
    """
    if job.completed_date is None:
        return []
    ended = job.completed_date
    completed = job.status is JobStatus.COMPLETED
    file = job.expiry_date if completed and job.expiry_date else ended + BLOCK_LIFE
    actions = [(ended + _HISTORY_DELAY, RetentionAction.HISTORY), (file, RetentionAction.FILE)]
    if not completed:
        actions.append((ended + _CLEANUP_DELAY, RetentionAction.CLEANUP))
    removed = file + keep.after_file
    if job.notify is not None:
        removed = max(removed, ended + keep.with_notify)
    rows = (removed, RetentionAction.ROWS)  # also purges the history, if that has not been done yet
    return [*sorted(each for each in actions if each[0] <= rows[0]), rows]


def next_due(job: Job, keep: RowsKept, after: datetime) -> DueAction | None:
    """Return the first action on the job that is due after a moment; None if there is none."""
    moments = (moment for moment, _ in retention_actions(job, keep) if moment > after)
    due = next(moments, None)
    return DueAction(job.tenant, job.code, due) if due else None


def first_due(job: Job, keep: RowsKept) -> DueAction | None:
    """Return the first action on the job; None if the job has not ended."""
    moments = retention_actions(job, keep)
    return DueAction(job.tenant, job.code, moments[0][0]) if moments else None
