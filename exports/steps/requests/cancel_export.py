"""Step: cancel a job."""

from __future__ import annotations

from exports.jobs.audit import AuditAction, audit_entry
from exports.jobs.job import Job
from exports.services import Services
from exports.steps.finalize.cleanup import clean_up_attempt
from exports.steps.finalize.finalize_job import finalize_job
from exports.steps.job_ends import cancel
from exports.steps.requests.get_export import find_job


def cancel_export(services: Services, tenant: str, code: str, actor: str) -> Job:
    """Cancel a job. The cancellation is effective when this function returns.

    From then on no step begins to read the source or to stage a block, the job never becomes `Completed`, and the
    caller gets no link. Staged blocks stay, so that a resume reads only the other pages; the retention removes them
    when the job can no longer be resumed. A step that is running may still stage its block. A file that was just
    published, and the blocks of a snapshot, are removed now, or by `discard_file` when the orchestration ends. Safe to
    run twice, because a cancelled job stays as it is.

    The audit entry is added first, so that no cancellation lacks one. A job that ends at the same moment may have an
    entry too many; a job that has ended gets none.

    Raises:
        IllegalTransitionError: The job is `Completed` or `Failed`.
        JobNotFoundError: There is no such job.
        StorageUnavailableError: Can be tried again. If the audit entry was refused, the job runs on.
    """
    found = find_job(services, tenant, code)
    if not found.status.is_terminal:
        services.audit.append(audit_entry(AuditAction.CANCELLED, actor, found, services.now()))
    job = cancel(services, tenant, code, found)
    clean_up_attempt(services, job.ref)
    finalize_job(services, job.ref, job)
    return job
