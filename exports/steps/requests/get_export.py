"""Step: show the status and the progress of a job."""

from __future__ import annotations

from exports.errors import JobNotFoundError
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.jobs.view import CsvExportJobDto, show_job
from exports.request.spec import SensitiveFields
from exports.services import Services
from exports.steps.requests.mark_downloaded import mark_downloaded


def get_export(
    services: Services, tenant: str, code: str, sensitive: SensitiveFields = SensitiveFields.REFUSED
) -> CsvExportJobDto:
    """Show a job as `present` does. If the caller gets a link, mark the file as downloaded.

    Raises:
        JobNotFoundError: The tenant has no job with this code.
        StorageUnavailableError: Can be tried again.
    """
    job = services.jobs.get(tenant, code)
    if job is None:
        raise JobNotFoundError("There is no such job.")
    shown = present(services, job, sensitive)
    if shown.download_url is not None:
        mark_downloaded(services, job)
    return shown


def present(services: Services, job: Job, sensitive: SensitiveFields = SensitiveFields.REFUSED) -> CsvExportJobDto:
    """Show a job with its progress and, if it is completed and has not expired, a new link.

    A caller who may not export sensitive fields gets no link to a file that contains some, even if another caller
    requested the export. Costs at most one more query, for the pages in flight, however large the job is.
    """
    now = services.now()
    link = None
    readable = sensitive is SensitiveFields.ALLOWED or not job.spec.sensitive_fields
    if readable and job.has_link and job.expiry_date is not None and now < job.expiry_date:
        link = services.files.link(job.file_path, job.expiry_date)
    return show_job(job, processed_items(services, job), now, link)


def processed_items(services: Services, job: Job) -> int:
    """Count the clients written so far. This takes at most one query, for the pages in flight."""
    if job.status is JobStatus.COMPLETED or job.total_items is None:
        return job.settled_items
    return job.settled_items + sum(page.rows for page in services.pages.records(job.ref, job.settled_pages))
