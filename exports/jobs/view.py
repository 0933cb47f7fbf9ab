"""A job as its user sees it."""

from __future__ import annotations

import hashlib
from datetime import datetime

from exports.jobs.failures import Failure
from exports.jobs.job import CONSISTENCY, Job
from exports.jobs.retention import resumable_until
from exports.jobs.states import FileStatus, JobStatus
from exports.request.filters import ClientFilter
from exports.request.spec import ExportSpec
from shared.models import Model, Moment

NOT_SENT = {"download_url", "created_by", "mapping_name", "column_count", "filter", "request"}
"""Properties of a job that no receiver of a notification gets: its link, and names and texts of its caller."""


class CsvExportJobDto(Model):
    """A job as its user sees it. The first eight properties are always present; the others only when known.

    Attributes:
        code: Identifies the job.
        total_items: Number of clients to export; known when processing starts.
        processed_items: Number of clients written so far; never falls, never exceeds `totalItems`.
        download_url: A link to the file, new in each answer, that works for some minutes. Present only when the job is
            `Completed` and the API key may read the file. Lists contain no links. Anyone who has the link can read the
            file while the link works.
        started_date: When processing began.
        completed_date: When the job ended, in whatever status.
        expiry_date: The moment until which the file is kept.
        file_size: In bytes, as stored.
        file_status: Whether the file can be downloaded. Present only when the job is `Completed`.
        created_by: Who asked for the export: the name of its API key, or of the person who has shown an access token.
            Null if a schedule did.
        mapping_name: Name of the mapping that the request named, as it was then.
        column_count: Number of columns of the file.
        filter: Which clients are exported.
        request: The resolved request: columns, filter and format. Lists do not contain it.
        percent_complete: Whole percent, rounded down; 100 only when `Completed`.
        estimated_completion_date: When the job will end at its rate so far. A host that dies adds about a minute.
        failure: Why the job is `Failed`.
        consistency: What the file guarantees if clients change during the export.
        schedule_code: The schedule that started the job.
        snapshot_date: The moment of the database that the file shows. Present only for snapshots, once the current
            attempt has taken its own.
        resumable_until: The moment until which the job can be resumed. Present only when it can.
        kept_items: Number of clients that need not be read again. For a job that can be resumed: those whose pages
            storage held at some time in the last half minute. For a job that was resumed: those that the resume kept.
            Lists do not count it for jobs that can be resumed.
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
    file_status: FileStatus | None = None
    created_by: str | None = None
    mapping_name: str | None = None
    column_count: int | None = None
    filter: ClientFilter | None = None
    request: ExportSpec | None = None
    percent_complete: int | None = None
    estimated_completion_date: Moment | None = None
    failure: Failure | None = None
    consistency: str = CONSISTENCY
    schedule_code: str | None = None
    snapshot_date: Moment | None = None
    resumable_until: Moment | None = None
    kept_items: int | None = None


def show_job(job: Job, processed_items: int, now: datetime) -> CsvExportJobDto:
    """Build the public view of a job, without a link to its file.

    Args:
        processed_items: Rows of all pages written so far. The view shows at most `total_items`, because more rows may
            be written than were planned if clients are added during the export. It never shows fewer rows than before a
            resume, which may have found that pages were lost.
    """
    most = max(processed_items, job.shown_items)
    processed = most if job.total_items is None else min(most, job.total_items)
    return CsvExportJobDto(
        code=job.code,
        status=job.status,
        total_items=job.total_items,
        processed_items=processed,
        download_url=None,
        started_date=job.started_date,
        completed_date=job.completed_date,
        created_date=job.created_date,
        expiry_date=job.expiry_date,
        file_name=job.file_name,
        file_size=job.file_bytes,
        file_status=job.file_status(now),
        created_by=job.created_by,
        mapping_name=job.mapping_name,
        column_count=len(job.spec.columns),
        filter=job.spec.filter,
        percent_complete=_percent(job, processed),
        estimated_completion_date=_estimate(job, processed_items, now),
        failure=job.failure,
        consistency=job.consistency,
        schedule_code=job.schedule_code,
        snapshot_date=job.own_snapshot and job.own_snapshot.moment,
        resumable_until=resumable_until(job),
        kept_items=None if job.is_resumable else job.kept_items,
    )


def job_etag(shown: CsvExportJobDto, link_period: int | None = None) -> str:
    """Return the weak entity tag of a view (RFC 9110, section 8.8.3).

    The tag ignores the text of the link and the estimated completion, which differ with every response.

    Args:
        link_period: A number that changes before a link of an earlier response stops working. So a caller that sends
            the tag gets `304` only while the link that it has still works. None: the caller gets no link.
    """
    stable = shown.model_dump_json(exclude={"download_url", "estimated_completion_date"})
    tagged = f"{stable} {link_period}"
    return f'W/"{hashlib.sha256(tagged.encode()).hexdigest()[:32]}"'


def _percent(job: Job, processed: int) -> int | None:
    """Return whole percent, rounded down; 100 only when the job is completed."""
    if job.status is JobStatus.COMPLETED:
        return 100
    if job.total_items is None:
        return None
    return min(99, processed * 100 // job.total_items) if job.total_items else 0


def _estimate(job: Job, processed: int, now: datetime) -> datetime | None:
    """Expect that the rest takes as long for each row as the rows that this attempt has written.

    None: nothing is known, also because the clock of this host says that the job will begin only later.
    """
    if job.status is not JobStatus.IN_PROGRESS or not job.total_items or job.started_date is None:
        return None
    written = processed - (job.kept_items or 0)
    if written <= 0 or now < job.started_date:
        return None
    return now + (now - job.started_date) * (max(0, job.total_items - processed) / written)
