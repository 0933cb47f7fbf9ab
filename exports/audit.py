"""Who did what with whose clients: entries that are added and never changed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from exports.jobs import ExportSpec, Job
from shared.models import Model, Moment


class AuditAction(StrEnum):
    """What was done."""

    STARTED = "Started"
    CANCELLED = "Cancelled"
    RESUMED = "Resumed"
    DOWNLOADED = "Downloaded"


class AuditEntry(Model):
    """One thing done. Holds no client data: a text that was searched for is only said to be there.

    Attributes:
        actor: Id of the API key, or the schedule.
        fields: Fields of the export, in column order.
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
        fields=tuple(column.target_field.value for column in job.spec.columns),
        filter=_shown_filter(job.spec),
        rows=job.total_items,
        bytes=job.file_bytes,
    )


def _shown_filter(spec: ExportSpec) -> dict[str, Any]:
    shown = spec.filter.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return shown | ({"search": "(given)"} if "search" in shown else {})
