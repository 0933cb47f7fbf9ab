"""An export job as it is stored, and as it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from exports.jobs.failures import Failure
from exports.jobs.states import JobEvent, JobStatus, next_status
from exports.request.body import NotifyDto
from exports.request.spec import ExportSpec
from shared.models import Model

CONSISTENCY = (
    "Every client that was there from the start to the end of the export is in the file exactly once, as it was at one "
    "moment of the export: no row mixes two versions of a client. A client that was added, removed or changed "
    "meanwhile may or may not show it. Pages are key ranges that tile the key space, each read at a moment of its own."
)
"""What a reader of any file may rely on."""


class JobRef(Model):
    """Names a job and one of its attempts. Everything that is stored for a job is found by its tenant and code.

    The blobs of a job are named `{tenant}/{code}/…`. Only this class builds and parses these names.
    """

    tenant: str
    code: str
    attempt: int

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
    downloaded_date: datetime | None = None
    notify: NotifyDto | None = None
    version: str = field(default="", compare=False)

    @property
    def ref(self) -> JobRef:
        """The job and its current attempt."""
        return JobRef(tenant=self.tenant, code=self.code, attempt=self.attempt)

    @property
    def file_path(self) -> str:
        """Return the name of the blob of the exported file."""
        return self.ref.file_path(self.file_name)

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

    def mark_downloaded(self, now: datetime) -> Self:
        """Note that somebody was given the file; a repeat keeps the first time."""
        return replace(self, downloaded_date=self.downloaded_date or now)

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
