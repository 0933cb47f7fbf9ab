"""What the service answers with. Every model keeps the whole answer as `raw`, so a newer service hides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Json = Mapping[str, Any]


class JobStatus(StrEnum):
    """The status of an export."""

    QUEUED = "Queued"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"

    @property
    def has_ended(self) -> bool:
        """Whether the export has ended, in whatever way."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an export failed.

    Attributes:
        retryable: Whether the same request may work later.
        resumable: Whether `resume` can continue the export.
    """

    code: str
    message: str
    retryable: bool
    resumable: bool


@dataclass(frozen=True, slots=True)
class Job:
    """An export.

    Attributes:
        total_items: How many clients it exports; None until that is known.
        download_url: A link to the file that works for some minutes; anyone who has it can read the file.
        retry_after_seconds: When the service suggests to ask again; None if the export has ended.
        snapshot: The moment that the file shows, if the request asked for a snapshot and that moment is known.
        created_by: Name of the API key or of the person that asked for the export; None if a schedule did.
    """

    code: str
    status: JobStatus
    total_items: int | None
    processed_items: int
    percent_complete: int | None
    created: datetime
    started: datetime | None
    completed: datetime | None
    expires: datetime | None
    file_name: str | None
    file_size: int | None
    file_status: str | None
    failure: Failure | None
    download_url: str | None = field(repr=False)
    raw: Json = field(repr=False, compare=False)
    retry_after_seconds: float | None = field(default=None, repr=False, compare=False)
    snapshot: datetime | None = None
    created_by: str | None = None
    schedule_code: str | None = None

    @classmethod
    def from_json(cls, document: Json, retry_after_seconds: float | None = None) -> Job:
        """Read a job as the service shows it."""
        failure = document.get("failure")
        return cls(
            code=document["code"],
            status=JobStatus(document["status"]),
            total_items=document.get("totalItems"),
            processed_items=document.get("processedItems") or 0,
            percent_complete=document.get("percentComplete"),
            created=_required_moment(document["createdDate"]),
            started=moment(document.get("startedDate")),
            completed=moment(document.get("completedDate")),
            expires=moment(document.get("expiryDate")),
            file_name=document.get("fileName"),
            file_size=document.get("fileSize"),
            file_status=document.get("fileStatus"),
            failure=_failure(failure) if failure else None,
            download_url=document.get("downloadUrl"),
            raw=document,
            retry_after_seconds=retry_after_seconds,
            snapshot=moment(document.get("snapshotDate")),
            created_by=document.get("createdBy"),
            schedule_code=document.get("scheduleCode"),
        )


@dataclass(frozen=True, slots=True)
class EstimateWarning:
    """Something to check before the export.

    Attributes:
        columns: Headers of the columns that it is about.
    """

    code: str
    message: str
    columns: tuple[str, ...] = ()

    @classmethod
    def all_of(cls, document: Json) -> tuple[EstimateWarning, ...]:
        """Read the warnings of an estimate or a preview."""
        found = document.get("warnings") or ()
        return tuple(cls(each["code"], each["message"], tuple(each.get("columns") or ())) for each in found)

    def __str__(self) -> str:
        return f"{self.message} ({', '.join(self.columns)})" if self.columns else self.message


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an export would write, without starting it. `rows` is a count; the other numbers are estimates."""

    rows: int
    bytes: int
    pages: int
    seconds: float
    warnings: tuple[EstimateWarning, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Json) -> Estimate:
        """Read an estimate."""
        warnings = EstimateWarning.all_of(document)
        return cls(document["rows"], document["bytes"], document["pages"], document["seconds"], warnings, document)


@dataclass(frozen=True, slots=True)
class SavedMapping:
    """A named list of columns: `columns` holds (header, field)."""

    code: str
    name: str
    columns: tuple[tuple[str, str], ...]
    is_preset: bool
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Json) -> SavedMapping:
        """Read a mapping."""
        columns = tuple((each["csvHeader"], each["targetField"]) for each in document["columnMappings"])
        return cls(document["code"], document["name"], columns, bool(document.get("isPreset")), document)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule, which starts exports at its times.

    Attributes:
        cron: Minute, hour, day of the month, month, day of the week.
        next_run: The next slot; None if there is none, or the schedule is disabled.
    """

    code: str
    name: str
    cron: str
    time_zone: str
    enabled: bool
    next_run: datetime | None
    last_run: datetime | None
    last_job_code: str | None
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Json) -> Schedule:
        """Read a schedule."""
        return cls(
            code=document["code"],
            name=document["name"],
            cron=document["cron"],
            time_zone=document["timeZone"],
            enabled=document["enabled"],
            next_run=moment(document.get("nextRunDate")),
            last_run=moment(document.get("lastRunDate")),
            last_job_code=document.get("lastJobCode"),
            raw=document,
        )


@dataclass(frozen=True, slots=True)
class ScheduleRun:
    """What happened to a slot of a schedule: `Started`, `Skipped`, `Missed` or `Failed`, and why."""

    slot: datetime
    outcome: str
    reason: str | None
    job_code: str | None
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, document: Json) -> ScheduleRun:
        """Read a run."""
        slot = _required_moment(document["slotDate"])
        return cls(slot, document["outcome"], document.get("reason"), document.get("jobCode"), document)


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One part of a list, and the token with which the list continues."""

    items: tuple[T, ...]
    token: str | None


def moment(text: str | None) -> datetime | None:
    """Read a time of the service (RFC 3339)."""
    return None if text is None else _required_moment(text)


def _required_moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _failure(document: Json) -> Failure:
    return Failure(
        document["code"], document["message"], bool(document.get("retryable")), bool(document.get("resumable"))
    )
