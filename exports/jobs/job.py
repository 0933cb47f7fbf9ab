"""An export job, and how it changes. Jobs are immutable: every change returns a new one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from exports.jobs.failures import Failure
from exports.jobs.snapshot import TakenSnapshot
from exports.jobs.states import FileStatus, JobEvent, JobStatus, next_status
from exports.request.body import NotifyDto
from exports.request.consistency import Consistency, in_words
from exports.request.spec import ExportSpec
from shared.models import Model, OptionalField

CONSISTENCY = in_words(Consistency.PAGES)
"""The consistency that every file has unless its request asks for a snapshot, in words for its reader."""


class JobRef(Model):
    """Names a job and one of its attempts. Everything that is stored for a job is found by its tenant and code.

    The blobs of a job are named `{tenant}/{code}/…`. Only this class builds and parses these names.

    Attributes:
        request: The id of the request that started the job; the events of its steps show it.
        trace: The `traceparent` of that request, if traces are recorded; the spans of its steps belong to it.
    """

    tenant: str
    code: str
    attempt: int
    request: OptionalField[str] = None
    trace: OptionalField[str] = None

    @property
    def instance_id(self) -> str:
        """Return the id of the Durable instance that runs this attempt."""
        return f"{self.code}-{self.attempt}"

    @property
    def directory(self) -> str:
        """Return the prefix of the names of all blobs of the job."""
        return f"{self.tenant}/{self.code}/"

    @property
    def plan_path(self) -> str:
        """Return the name of the plan's blob, which all attempts share."""
        return f"{self.directory}plan.json"

    @property
    def manifest_prefix(self) -> str:
        """Return the prefix of the names of the manifests of all attempts."""
        return f"{self.directory}manifest-"

    @property
    def manifest_path(self) -> str:
        """Return the name of the blob with the manifest of this attempt."""
        return f"{self.manifest_prefix}{self.attempt}.json"

    def file_path(self, file_name: str) -> str:
        """Return the name of the blob of the exported file."""
        return self.directory + file_name

    @classmethod
    def of_blob(cls, path: str) -> Self | None:
        """Return the job that a blob belongs to, with attempt 1; None if the blob's name is not one of a job's blob."""
        tenant, _, rest = path.partition("/")
        code, _, name = rest.partition("/")
        return cls(tenant=tenant, code=code, attempt=1) if name else None


@dataclass(frozen=True, slots=True)
class Job:
    """One export.

    Attributes:
        attempt: Starts at 1 and grows by one with every resume and retry. Steps of an older attempt can write no more.
        retries: How many attempts the watchdog has started since a user last queued the job.
        total_items: Planned rows while the job is in progress; proven rows when it is completed.
        settled_pages: Pages `[0, settled_pages)` are written; `settled_items` is the sum of their rows.
        shown_items: The rows that its user saw as written when the job was last resumed. The progress stays above.
        kept_items: The rows of the pages that the last resume kept; None: the job was not resumed.
        file_bytes: Size of the file; known when the job is completed.
        file_removed: The file, or the blocks of an unfinished one, have been removed. The job has no download and
            cannot be resumed.
        downloaded_date: When a caller was first given a link to the file. Recorded only for jobs of schedules.
        notify: The receiver of a notification about the end. It is not part of the specification, because the manifest
            shows the specification and a URL may be a secret.
        created_by: The name of the API key or of the person that asked for the job; None: a schedule did, or an older
            version stored the job.
        mapping_name: The name of the mapping that the request named, as it was then.
        request_id: The id of the request that started the job; None: no request did, or an older version stored it.
        trace_parent: The `traceparent` (W3C Trace Context) of that request, if traces are recorded.
        snapshot: The snapshot that an attempt has begun to read; None unless the request asks for one.
        absent_columns: The exported columns that the view `clients` lacked when the job was planned; None: it is not
            planned, or an older version planned it.
        base_absent_columns: Those that it lacked for the file that this job continues; None: the job continues none, or
            nobody knows. The job must lack the same ones.
        version: The version of the stored job that this object was read from or written as; empty: not known.
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
    shown_items: int = 0
    kept_items: int | None = None
    started_date: datetime | None = None
    completed_date: datetime | None = None
    expiry_date: datetime | None = None
    file_bytes: int | None = None
    file_removed: bool = False
    failure: Failure | None = None
    schedule_code: str | None = None
    downloaded_date: datetime | None = None
    notify: NotifyDto | None = None
    created_by: str | None = None
    mapping_name: str | None = None
    request_id: str | None = None
    trace_parent: str | None = None
    snapshot: TakenSnapshot | None = None
    absent_columns: tuple[str, ...] | None = None
    base_absent_columns: tuple[str, ...] | None = None
    version: str = field(default="", compare=False)

    @property
    def ref(self) -> JobRef:
        """Return the reference to the job and its current attempt."""
        return JobRef(
            tenant=self.tenant, code=self.code, attempt=self.attempt, request=self.request_id, trace=self.trace_parent
        )

    @property
    def consistency(self) -> str:
        """Return what the file guarantees, in words for its reader."""
        return in_words(self.spec.consistency)

    @property
    def file_path(self) -> str:
        """Return the name of the blob of the exported file."""
        return self.ref.file_path(self.file_name)

    @property
    def own_snapshot(self) -> TakenSnapshot | None:
        """Return the snapshot that the current attempt has begun to read; None if it has begun to read none."""
        return self.snapshot if self.snapshot and self.snapshot.attempt == self.attempt else None

    def runs(self, attempt: int) -> bool:
        """Return whether `attempt` is the current attempt of a job that has not ended."""
        return self.attempt == attempt and not self.status.is_terminal

    def begin(self, now: datetime) -> Self:
        """Start processing. A repeat keeps the first start."""
        return replace(self, status=next_status(self.status, JobEvent.BEGIN), started_date=self.started_date or now)

    def begin_snapshot(self, now: datetime, snapshot: TakenSnapshot) -> Self:
        """Start to read a snapshot. Nothing that was read in an earlier one counts, but the progress does not fall."""
        shown = max(self.shown_items, self.settled_items)
        return replace(self.begin(now), snapshot=snapshot, settled_pages=0, settled_items=0, shown_items=shown)

    def plan(self, total_items: int, absent_columns: tuple[str, ...] = ()) -> Self:
        """Set the number of clients to export, and the columns that the view lacks."""
        return replace(self, total_items=total_items, absent_columns=absent_columns)

    def settle(self, pages: int, items: int) -> Self:
        """Record the sum of rows of the first `pages` pages. Fewer pages than before change nothing."""
        if pages <= self.settled_pages:
            return self
        return replace(self, settled_pages=pages, settled_items=items)

    def complete(self, now: datetime, items: int, file_bytes: int, keep: timedelta) -> Self:
        """End the job with a proven file, which is kept for `keep`."""
        return replace(
            self,
            status=next_status(self.status, JobEvent.COMPLETE),
            total_items=items,
            settled_items=items,
            completed_date=now,
            expiry_date=now + keep,
            file_bytes=file_bytes,
        )

    def mark_downloaded(self, now: datetime) -> Self:
        """Record that a caller was given a link to the file. A repeat keeps the first moment."""
        return replace(self, downloaded_date=self.downloaded_date or now)

    def cancel(self, now: datetime) -> Self:
        """End the job because its user cancelled it. A repeat keeps the first end."""
        status = next_status(self.status, JobEvent.CANCEL)
        return replace(self, status=status, completed_date=self.completed_date or now)

    @property
    def is_resumable(self) -> bool:
        """Return whether the job can be resumed with the pages it has."""
        if self.file_removed:
            return False
        if self.status is JobStatus.FAILED:
            return self.failure is not None and self.failure.resumable
        return self.status is JobStatus.CANCELLED

    def resume(self, kept_items: int = 0, shown_items: int = 0) -> Self:
        """Queue the job again for a new attempt. Steps of the attempt before can write no more.

        Args:
            kept_items: Rows of the pages that the new attempt need not read.
            shown_items: Rows that its user has seen as written.
        """
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
            kept_items=kept_items,
            shown_items=max(self.shown_items, shown_items),
        )

    def retry(self) -> Self:
        """Start a new attempt in place of one that failed. The job looks the same to its user."""
        status = next_status(self.status, JobEvent.RETRY)
        return replace(self, status=status, attempt=self.attempt + 1, retries=self.retries + 1)

    def remove_file(self) -> Self:
        """Record that the file or its blocks are removed for good. Call it only for a job that has ended."""
        failure = self.failure and self.failure.model_copy(update={"resumable": False})
        return replace(self, file_removed=True, failure=failure)

    def file_status(self, now: datetime) -> FileStatus | None:
        """Return whether the file can be downloaded now; None unless the job is completed."""
        if self.status is not JobStatus.COMPLETED:
            return None
        if self.expiry_date is not None and now >= self.expiry_date:
            return FileStatus.EXPIRED
        return FileStatus.REMOVED if self.file_removed else FileStatus.AVAILABLE

    def fail(self, now: datetime, failure: Failure) -> Self:
        """End the job without a file."""
        return replace(self, status=next_status(self.status, JobEvent.FAIL), completed_date=now, failure=failure)
