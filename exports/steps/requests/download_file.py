"""Step: give the caller the file of a completed job, or the manifest that proves it."""

from __future__ import annotations

from exports.errors import ExpiredError, JobNotFoundError, NotCompletedError
from exports.jobs.audit import AuditAction, audit_entry
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.request.spec import SensitiveFields, SensitiveFieldsError
from exports.services import Services
from exports.steps.requests.mark_downloaded import mark_downloaded


def create_link(
    services: Services, tenant: str, code: str, actor: str, sensitive: SensitiveFields = SensitiveFields.REFUSED
) -> str:
    """Create a link to the file. The audit log records the download before the caller gets the link.

    Raises:
        JobNotFoundError, NotCompletedError, ExpiredError: The job has no file, or no longer has it.
        SensitiveFieldsError: The file has sensitive fields, and the caller may not read them.
        StorageUnavailableError: Can be tried again.
    """
    job = _completed(services, tenant, code)
    if job.expiry_date is None:
        raise NotCompletedError("This export has no file.")
    if sensitive is SensitiveFields.REFUSED and job.spec.sensitive_fields:
        raise SensitiveFieldsError(job.spec.sensitive_fields)
    services.audit.append(audit_entry(AuditAction.DOWNLOADED, actor, job, services.now()))
    mark_downloaded(services, job)
    return services.files.link(job.file_path, job.expiry_date)


def load_manifest(services: Services, tenant: str, code: str) -> bytes:
    """Return the manifest, a JSON document. It contains no values of fields, so no permission for fields is needed.

    Raises:
        JobNotFoundError, NotCompletedError, ExpiredError: The job has no file, or no longer has it.
        StorageUnavailableError: Can be tried again.
    """
    return services.files.load_manifest(_completed(services, tenant, code).ref)


def _completed(services: Services, tenant: str, code: str) -> Job:
    job = services.jobs.get(tenant, code)
    if job is None:
        raise JobNotFoundError("There is no such job.")
    if job.status is not JobStatus.COMPLETED:
        message = f"This export is {job.status}; only a Completed one has a file."
        raise NotCompletedError(message)
    if job.file_removed or (job.expiry_date is not None and services.now() >= job.expiry_date):
        raise ExpiredError("The file of this export is no longer kept; start the export again.")
    return job
