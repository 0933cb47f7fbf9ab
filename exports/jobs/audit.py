"""Who did what with whose clients: entries that are added and never changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from exports.jobs.job import Job
from exports.request.columns import ColumnMapping
from exports.request.filters import ClientFilter
from shared.models import Model, Moment


class AuditAction(StrEnum):
    """What was done."""

    STARTED = "Started"
    CANCELLED = "Cancelled"
    RESUMED = "Resumed"
    DOWNLOADED = "Downloaded"
    SCHEDULE_CREATED = "ScheduleCreated"
    SCHEDULE_CHANGED = "ScheduleChanged"
    SCHEDULE_DELETED = "ScheduleDeleted"


class AuditEntry(Model):
    """One thing done. Holds no client data: a text that was searched for is only said to be there.

    Attributes:
        actor: Id of the API key, or the schedule.
        code: Of the job, or of the schedule.
        fields: Fields of the export, in column order; of a schedule those that its request names itself.
        filter: Its filter, as in a request.
        rows, bytes: Of the file, where it is known.
    """

    tenant: str
    moment: Moment
    action: AuditAction
    actor: str
    code: str
    fields: tuple[str, ...]
    filter: dict[str, Any]
    rows: int | None = None
    bytes: int | None = None


def audit_entry(action: AuditAction, actor: str, job: Job, moment: datetime) -> AuditEntry:
    """Describe what was done with a job."""
    return AuditEntry(
        tenant=job.tenant,
        moment=moment,
        action=action,
        actor=actor,
        code=job.code,
        fields=field_names(job.spec.columns),
        filter=shown_filter(job.spec.filter),
        rows=job.total_items,
        bytes=job.file_bytes,
    )


def field_names(columns: Iterable[ColumnMapping]) -> tuple[str, ...]:
    return tuple(column.target_field.value for column in columns)


def shown_filter(wanted: ClientFilter) -> dict[str, Any]:
    shown = wanted.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return shown | ({"search": "(given)"} if "search" in shown else {})
