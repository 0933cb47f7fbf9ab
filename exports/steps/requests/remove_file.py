"""Step: remove the file of a completed job before it expires, for example because a link to it has leaked."""

from __future__ import annotations

from exports.jobs.audit import AuditAction, audit_entry
from exports.jobs.job import Job
from exports.services import Services
from exports.steps.finalize.cleanup import mark_and_remove_file
from exports.steps.requests.get_export import find_completed


def remove_file(services: Services, tenant: str, code: str, actor: str) -> Job:
    """Remove the file and the manifest of a completed job. When this function returns, no link opens the file.

    The audit log records the removal first. Safe to run twice.

    Raises:
        JobNotFoundError: The tenant has no job with this code.
        NotCompletedError: The job has no file.
        StorageUnavailableError, FileChangedError: Can be tried again.
    """
    job = find_completed(services, tenant, code)
    if not job.file_removed:
        services.audit.append(audit_entry(AuditAction.FILE_REMOVED, actor, job, services.now()))
    return mark_and_remove_file(services, job.ref)
