"""The states of a job, and the table of its transitions. A job changes its state only by this table.

Queued ──begin──▶ InProgress ──complete──▶ Completed
  │                   │
  ├──fail / cancel────┴──▶ Failed, Cancelled ──resume──▶ Queued

`retry` starts a new attempt in place of one that failed, and leaves the state as it is.
"""

from __future__ import annotations

from enum import StrEnum

from exports.errors import ExportError


class JobStatus(StrEnum):
    """The public status of a job."""

    QUEUED = "Queued"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"

    @property
    def is_terminal(self) -> bool:
        """Return whether the job has ended. Then only an explicit resume changes its state."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


ACTIVE = (JobStatus.QUEUED, JobStatus.IN_PROGRESS)


class FileStatus(StrEnum):
    """Whether the file of a completed job can still be downloaded."""

    AVAILABLE = "Available"
    EXPIRED = "Expired"
    REMOVED = "Removed"


class JobEvent(StrEnum):
    """An event that may change the state of a job."""

    BEGIN = "begin"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"
    RESUME = "resume"
    RETRY = "retry"


class IllegalTransitionError(ExportError):
    """The event is not allowed in this state."""


_TABLE: dict[tuple[JobStatus, JobEvent], JobStatus] = {
    (JobStatus.QUEUED, JobEvent.BEGIN): JobStatus.IN_PROGRESS,
    (JobStatus.QUEUED, JobEvent.RETRY): JobStatus.QUEUED,
    (JobStatus.QUEUED, JobEvent.FAIL): JobStatus.FAILED,
    (JobStatus.QUEUED, JobEvent.CANCEL): JobStatus.CANCELLED,
    (JobStatus.IN_PROGRESS, JobEvent.BEGIN): JobStatus.IN_PROGRESS,
    (JobStatus.IN_PROGRESS, JobEvent.RETRY): JobStatus.IN_PROGRESS,
    (JobStatus.IN_PROGRESS, JobEvent.COMPLETE): JobStatus.COMPLETED,
    (JobStatus.IN_PROGRESS, JobEvent.FAIL): JobStatus.FAILED,
    (JobStatus.IN_PROGRESS, JobEvent.CANCEL): JobStatus.CANCELLED,
    (JobStatus.CANCELLED, JobEvent.CANCEL): JobStatus.CANCELLED,
    (JobStatus.FAILED, JobEvent.RESUME): JobStatus.QUEUED,
    (JobStatus.CANCELLED, JobEvent.RESUME): JobStatus.QUEUED,
}


_VERBS = {JobEvent.CANCEL: "be cancelled"}


def next_status(status: JobStatus, event: JobEvent) -> JobStatus:
    """Return the status that follows `status` after `event`.

    Raises:
        IllegalTransitionError: The event is not allowed in this status.
    """
    try:
        return _TABLE[status, event]
    except KeyError:
        message = f"A job that is {status} cannot {_VERBS.get(event, event)}."
        raise IllegalTransitionError(message) from None
