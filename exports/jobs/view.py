"""A job as its user sees it."""

from __future__ import annotations

import hashlib
from datetime import datetime

from exports.jobs.failures import Failure
from exports.jobs.job import CONSISTENCY, Job
from exports.jobs.states import JobStatus
from shared.models import Model, Moment


class CsvExportJobDto(Model):
    """A job as its user sees it. The first eight properties are always present; the others only when known.

    Attributes:
        code: Names the job; looked up by it.
        total_items: Clients to export; known when processing starts.
        processed_items: Clients written so far; never falls, never exceeds `totalItems`.
        download_url: A time-limited link to the file; only when `Completed`, and to keys that may see the
            fields it holds. Whoever has it can read the file.
        started_date: When processing began.
        completed_date: When the job ended, however it did.
        expiry_date: Until when the file is kept.
        file_size: In bytes, as stored.
        percent_complete: Whole percent, rounded down; 100 only when `Completed`.
        failure: Why it is `Failed`.
        consistency: What a reader of the file may rely on when clients change during the export.
        schedule_code: The schedule that started it.
    """

    code: str
    status: JobStatus
    total_items: int | None
    processed_items: int
    download_url: str | None
    started_date: Moment | None
    completed_date: Moment | None
    created_date: Moment
    expiry_date: Moment | None = None
    file_name: str | None = None
    file_size: int | None = None
    percent_complete: int | None = None
    estimated_completion_date: Moment | None = None
    failure: Failure | None = None
    consistency: str = CONSISTENCY
    schedule_code: str | None = None


def show_job(job: Job, processed_items: int, now: datetime, download_url: str | None = None) -> CsvExportJobDto:
    """Build the public view of a job.

    Args:
        processed_items: Rows of all pages written so far. Shown capped at `total_items`: while clients are added
            during the export more rows may be written than were planned.
        download_url: A link to the file; must be given only for a completed job.
    """
    processed = processed_items if job.total_items is None else min(processed_items, job.total_items)
    return CsvExportJobDto(
        code=job.code,
        status=job.status,
        total_items=job.total_items,
        processed_items=processed,
        download_url=download_url,
        started_date=job.started_date,
        completed_date=job.completed_date,
        created_date=job.created_date,
        expiry_date=job.expiry_date,
        file_name=job.file_name,
        file_size=job.file_bytes,
        percent_complete=_percent(job, processed),
        estimated_completion_date=_estimate(job, processed, now),
        failure=job.failure,
        consistency=job.consistency,
        schedule_code=job.schedule_code,
    )


def job_etag(shown: CsvExportJobDto) -> str:
    """Tag what is shown (RFC 9110, section 8.8.3). Weak: links and estimates may differ under the same tag.

    Whether there is a link does count: with its expiry the job changes.
    """
    lasting = shown.model_dump_json(exclude={"download_url", "estimated_completion_date"})
    tagged = f"{lasting} {shown.download_url is not None}"
    return f'W/"{hashlib.sha256(tagged.encode()).hexdigest()[:32]}"'


def _percent(job: Job, processed: int) -> int | None:
    """Whole percent, rounded down; 100 only when completed."""
    if job.status is JobStatus.COMPLETED:
        return 100
    if job.total_items is None:
        return None
    return min(99, processed * 100 // job.total_items) if job.total_items else 0


def _estimate(job: Job, processed: int, now: datetime) -> datetime | None:
    if job.status is not JobStatus.IN_PROGRESS or not processed or not job.total_items or job.started_date is None:
        return None
    return now + (now - job.started_date) * ((job.total_items - processed) / processed)
