"""An export job as it is stored, and as it is shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from exports.csv.formats import CsvFormat
from exports.fields import SENSITIVE_FIELDS, TargetField
from exports.requests import ClientFilter, ColumnMapping, NotifyDto
from exports.states import JobEvent, JobStatus, next_status
from shared.models import Model, Moment

CONSISTENCY = (
    "Every client that was there from the start to the end of the export is in the file exactly once, as it was at one "
    "moment of the export: no row mixes two versions of a client. A client that was added, removed or changed "
    "meanwhile may or may not show it. Pages are key ranges that tile the key space, each read at a moment of its own."
)
"""What a reader of any file may rely on."""


class JobRef(Model):
    """Which job, and for which of its attempts the work is done."""

    tenant: str
    code: str
    attempt: int

    @property
    def instance_id(self) -> str:
        """The Durable instance that runs this attempt."""
        return f"{self.code}-{self.attempt}"


class ExportSpec(Model):
    """What a job exports: a request, all looked up and pinned, so that later changes leave the job alone.

    `omittedFields`: sensitive fields that a full export would have had, had its caller been allowed them.
    """

    columns: tuple[ColumnMapping, ...]
    include_headers: bool = True
    filter: ClientFilter = ClientFilter()
    format: CsvFormat = CsvFormat()
    omitted_fields: tuple[TargetField, ...] = ()

    @property
    def sensitive_fields(self) -> tuple[TargetField, ...]:
        """Fields of the file that take a scope to read."""
        return tuple(column.target_field for column in self.columns if column.target_field in SENSITIVE_FIELDS)


class Failure(Model):
    """Why a job failed, in words for its user.

    `code` names the kind, for programs. `retryable`: the same request may succeed later. `resumable`: the pages already
    written can be kept.
    """

    code: str
    message: str
    retryable: bool
    resumable: bool


@dataclass(frozen=True, slots=True)
class Job:
    """One export.

    Attributes:
        attempt: 1, and one more with every resume and retry; work of an older attempt may no longer write.
        retries: Attempts among them that the watchdog began since the job was last queued by a user.
        total_items: Planned rows while in progress; proven rows when completed.
        settled_pages: Pages `[0, settled_pages)` are written and their rows summed up in `settled_items`.
        file_bytes: Size of the file; known when completed.
        file_removed: What there was of the file is no longer kept, neither to be read nor to be gone on with.
        fetched_date: When somebody who asked for this job was first given a link to its file; of scheduled ones only.
        notify: Whom to tell of its end. Not in the specification, which the manifest shows: a URL may be a secret.
        version: Names what is stored, as it was when this was read or written; empty: that is not known.
    """

    tenant: str
    code: str
    spec: ExportSpec
    file_name: str
    created_date: datetime
    status: JobStatus = JobStatus.QUEUED
    attempt: int = 1
    retries: int = 0
    total_items: int | None = None
    settled_pages: int = 0
    settled_items: int = 0
    started_date: datetime | None = None
    completed_date: datetime | None = None
    expiry_date: datetime | None = None
    file_bytes: int | None = None
    file_removed: bool = False
    failure: Failure | None = None
    consistency: str = CONSISTENCY
    schedule_code: str | None = None
    fetched_date: datetime | None = None
    notify: NotifyDto | None = None
    version: str = field(default="", compare=False)

    @property
    def ref(self) -> JobRef:
        """The job and its current attempt."""
        return JobRef(tenant=self.tenant, code=self.code, attempt=self.attempt)

    @property
    def directory(self) -> str:
        """Where the job's blobs are."""
        return f"{self.tenant}/{self.code}"

    @property
    def file_path(self) -> str:
        """Blob name of the file."""
        return f"{self.directory}/{self.file_name}"

    def runs(self, attempt: int) -> bool:
        """Say whether work of `attempt` may go on."""
        return self.attempt == attempt and not self.status.is_terminal

    def begin(self, now: datetime) -> Self:
        """Start processing; a repeat keeps the first start."""
        return replace(self, status=next_status(self.status, JobEvent.BEGIN), started_date=self.started_date or now)

    def plan(self, total_items: int) -> Self:
        """Set the number of clients to export."""
        return replace(self, total_items=total_items)

    def settle(self, pages: int, items: int) -> Self:
        """Sum up the first `pages` pages; never goes back."""
        if pages <= self.settled_pages:
            return self
        return replace(self, settled_pages=pages, settled_items=items)

    def complete(self, now: datetime, items: int, file_bytes: int, keep: timedelta) -> Self:
        """End with a proven file that is kept for `keep`."""
        return replace(
            self,
            status=next_status(self.status, JobEvent.COMPLETE),
            total_items=items,
            settled_items=items,
            completed_date=now,
            expiry_date=now + keep,
            file_bytes=file_bytes,
        )

    def fetch(self, now: datetime) -> Self:
        """Note that somebody was given the file; a repeat keeps the first time."""
        return replace(self, fetched_date=self.fetched_date or now)

    def cancel(self, now: datetime) -> Self:
        """End at the user's wish; a repeat keeps the first end."""
        status = next_status(self.status, JobEvent.CANCEL)
        return replace(self, status=status, completed_date=self.completed_date or now)

    @property
    def is_resumable(self) -> bool:
        """Whether the job can go on with the pages it has."""
        if self.file_removed:
            return False
        if self.status is JobStatus.FAILED:
            return self.failure is not None and self.failure.resumable
        return self.status is JobStatus.CANCELLED

    def resume(self) -> Self:
        """Queue the job again, for another attempt; work of the one before may no longer write."""
        return replace(
            self,
            status=next_status(self.status, JobEvent.RESUME),
            attempt=self.attempt + 1,
            retries=0,
            started_date=None,
            completed_date=None,
            failure=None,
            settled_pages=0,
            settled_items=0,
        )

    def retry(self) -> Self:
        """Go on with another attempt in place of one that came to nothing; what its user sees stays as it is."""
        status = next_status(self.status, JobEvent.RETRY)
        return replace(self, status=status, attempt=self.attempt + 1, retries=self.retries + 1)

    def remove_file(self) -> Self:
        """Note that what there is of the file goes, for good; only of a job that has ended."""
        failure = self.failure and self.failure.model_copy(update={"resumable": False})
        return replace(self, file_removed=True, failure=failure)

    @property
    def has_link(self) -> bool:
        """Whether a completed file is there to be read, until it expires."""
        return self.status is JobStatus.COMPLETED and not self.file_removed

    def fail(self, now: datetime, failure: Failure) -> Self:
        """End without a file."""
        return replace(self, status=next_status(self.status, JobEvent.FAIL), completed_date=now, failure=failure)


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
