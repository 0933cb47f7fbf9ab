"""The message that tells a receiver of the end of a job."""

from __future__ import annotations

from exports.jobs.job import Job
from exports.jobs.view import show_job


def event_id(job: Job) -> str:
    """Name the end of a job: the same for every try, and for a replay; another for another attempt."""
    return f"msg_{job.code}_{job.attempt}_{job.status.value.lower()}"


def event_body(job: Job, processed_items: int) -> bytes:
    """Write a job that has ended as its receiver gets it: as it is shown, but without a link."""
    shown = show_job(job, processed_items, job.completed_date or job.created_date)
    return shown.model_dump_json(by_alias=True, exclude={"download_url"}).encode()
