"""Step: give a caller a link to the file of a completed job. The audit log records each link first."""

from __future__ import annotations

from dataclasses import dataclass

from exports.jobs.audit import AuditAction, LinkSource, audit_entry
from exports.jobs.job import Job
from exports.jobs.states import FileStatus
from exports.request.spec import SensitiveFields
from exports.services import Services
from exports.steps.requests.mark_downloaded import mark_downloaded
from shared.events import emit


@dataclass(frozen=True, slots=True)
class Reader:
    """A caller to whom a job is shown.

    Attributes:
        actor: The name of the caller in the audit log.
        may_read: Whether the caller may read files at all.
        sensitive: Whether the caller may read files with sensitive fields.
        wants_link: Whether the caller wants a link. A caller that only looks at a job does not. Then the audit log
            records nothing, and the job does not count as downloaded.
    """

    actor: str
    may_read: bool = True
    sensitive: SensitiveFields = SensitiveFields.REFUSED
    wants_link: bool = True


def gets_link(services: Services, job: Job, reader: Reader) -> bool:
    """Return whether the caller wants a link, and the job has a file that it may read, whoever requested the export."""
    allowed = reader.may_read and (reader.sensitive is SensitiveFields.ALLOWED or not job.spec.sensitive_fields)
    return reader.wants_link and allowed and job.file_status(services.now()) is FileStatus.AVAILABLE


def give_link(services: Services, job: Job, reader: Reader, source: LinkSource | None) -> str:
    """Create a link to the file. It works for `link_minutes`, and never longer than the file is kept.

    Args:
        job: A job whose file is available.
        source: The answer that contains the link; None for a redirect to the file.

    Raises:
        StorageUnavailableError: Can be tried again. The caller gets no link that the audit log does not have.
    """
    now = services.now()
    action = AuditAction.DOWNLOADED if source is None else AuditAction.LINK_GIVEN
    services.audit.append(audit_entry(action, reader.actor, job, now, source))
    mark_downloaded(services, job)
    expiry = now + services.settings.link_life
    link = services.files.link(job.file_path, min(expiry, job.expiry_date or expiry))
    emit("link.given", tenant=job.tenant, job=job.code, by=reader.actor, source=source or "Download")
    return link


def link_period(services: Services) -> int:
    """Return the number of the current period of half the life of a link.

    A link that was given in this period works at least until the period ends.
    """
    return int(services.now().timestamp() / (services.settings.link_life.total_seconds() / 2))
