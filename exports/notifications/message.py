"""The message of a webhook: it reports the end of a job to the receiver."""

from __future__ import annotations

from exports.jobs.job import Job
from exports.jobs.view import NOT_SENT, show_job


def event_id(job: Job) -> str:
    """Return the id of a job's end: the same in every try and replay, and another for another attempt or status."""
    return f"msg_{job.code}_{job.attempt}_{job.status.value.lower()}"


def event_body(job: Job, processed_items: int) -> bytes:
    """Render an ended job as the receiver gets it: as the API shows it, but without its link and its request."""
    shown = show_job(job, processed_items, job.completed_date or job.created_date)
    return shown.model_dump_json(by_alias=True, exclude=NOT_SENT).encode()
