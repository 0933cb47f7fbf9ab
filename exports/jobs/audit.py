"""Audit entries: they record who exported or changed what. They are added and never changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from exports.jobs.job import Job
from exports.request.columns import ColumnMapping
from exports.request.filters import ClientFilter
from shared.models import Model, Moment, OptionalField


class AuditAction(StrEnum):
    """The action that an audit entry records."""

    STARTED = "Started"
    CANCELLED = "Cancelled"
    RESUMED = "Resumed"
    DOWNLOADED = "Downloaded"
    LINK_GIVEN = "LinkGiven"
    FILE_REMOVED = "FileRemoved"
    SCHEDULE_CREATED = "ScheduleCreated"
    SCHEDULE_CHANGED = "ScheduleChanged"
    SCHEDULE_DELETED = "ScheduleDeleted"
    NOTIFICATION_TESTED = "NotificationTested"
    NOTIFICATION_SENT_AGAIN = "NotificationSentAgain"
    KEY_CREATED = "KeyCreated"
    KEY_ROTATED = "KeyRotated"
    KEY_REVOKED = "KeyRevoked"


class LinkSource(StrEnum):
    """The answer that gave a link: of the start of an export, or of a request for its status."""

    START = "Start"
    STATUS = "Status"


class AuditEntry(Model):
    """One action. It holds no client data: of a search text it only says that there was one.

    Attributes:
        actor: Id of the API key, `token:` and the subject of the access token, `schedule:` and its code, `command` for
            a command of an operator, or `watchdog` for a start or resume whose process may have died before its entry.
        code: Code of the job, of the schedule or of the API key.
        fields: Fields of the export, in column order. For a schedule: the fields that its request names itself.
        filter: The filter, as in a request. Without the moment that follows from `since`.
        since: The code of the export since whose start the job exports the changes.
        changed_since: The moment that follows from it: clients that changed then or later are exported.
        rows, bytes: Size of the file, if it is known.
        link_source: The answer that gave the link. Present only for the action `LinkGiven`.
        receivers: Where a notification went, for the two actions on notifications: scheme, host and port of a webhook,
            or `mailto:` and the domain of an e-mail address.
        scopes: The scopes of the API key, for the actions on keys.
        new_code: Code of the API key that replaces this one, for the action `KeyRotated`.
    """

    tenant: str
    moment: Moment
    action: AuditAction
    actor: str
    code: str
    fields: tuple[str, ...]
    filter: dict[str, Any]
    since: OptionalField[str] = None
    changed_since: OptionalField[Moment] = None
    rows: int | None = None
    bytes: int | None = None
    link_source: LinkSource | None = None
    receivers: OptionalField[tuple[str, ...]] = None
    scopes: OptionalField[tuple[str, ...]] = None
    new_code: OptionalField[str] = None


def audit_entry(
    action: AuditAction, actor: str, job: Job, moment: datetime, link_source: LinkSource | None = None
) -> AuditEntry:
    """Describe an action on a job."""
    given, since = job.spec.filter, job.spec.since
    return AuditEntry(
        tenant=job.tenant,
        moment=moment,
        action=action,
        actor=actor,
        code=job.code,
        fields=field_names(job.spec.columns),
        filter=shown_filter(given.model_copy(update={"updated_since": None}) if since else given),
        since=since,
        changed_since=given.updated_since if since else None,
        rows=job.total_items,
        bytes=job.file_bytes,
        link_source=link_source,
    )


def field_names(columns: Iterable[ColumnMapping]) -> tuple[str, ...]:
    """Return the names of the exported fields in column order, without the headers that the caller chose."""
    return tuple(column.target_field.value for column in columns)


def shown_filter(filter_: ClientFilter) -> dict[str, Any]:
    """Return a filter as in a request, but without the search text, which may be client data."""
    shown = filter_.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return shown | ({"search": "(given)"} if "search" in shown else {})
