"""Step: hand out the file of a completed job, or its proof."""

from __future__ import annotations

from exports.errors import ExpiredError, JobNotFoundError, NotCompletedError
from exports.jobs.audit import AuditAction, audit_entry
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.request.spec import SensitiveFields, SensitiveFieldsError
from exports.services import Services
from exports.steps.requests.mark_downloaded import mark_downloaded


def fetch_link(
    services: Services, tenant: str, code: str, actor: str, sensitive: SensitiveFields = SensitiveFields.REFUSED
) -> str:
    """Mint a link to the file; noted in the audit log before it is given.

    Raises:
        JobNotFoundError, NotCompletedError, ExpiredError: There is no file to give.
        SensitiveFieldsError: There is one, with sensitive fields, and they are refused.
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


def fetch_manifest(services: Services, tenant: str, code: str) -> bytes:
    """Read the manifest, a JSON document, which holds no cell of any field. Raises as `fetch_link`, but for fields."""
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
