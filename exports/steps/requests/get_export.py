"""Step: show the status and the progress of a job."""

from __future__ import annotations

import logging

from exports.errors import JobNotFoundError, NotCompletedError, StorageUnavailableError
from exports.jobs.audit import LinkSource
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.jobs.view import CsvExportJobDto, job_etag, show_job
from exports.services import Services
from exports.steps.requests.give_link import Reader, gets_link, give_link, link_period
from exports.steps.requests.kept_pages import kept_items
from shared.events import emit


def find_job(services: Services, tenant: str, code: str) -> Job:
    """Return a job of a tenant.

    Raises:
        JobNotFoundError: The tenant has no job with this code.
        StorageUnavailableError: Can be tried again.
    """
    job = services.jobs.get(tenant, code)
    if job is None:
        raise JobNotFoundError("There is no export with this code.")
    return job


def find_completed(services: Services, tenant: str, code: str) -> Job:
    """Return a job of a tenant as `find_job` does, or raise a `NotCompletedError` if it is not completed."""
    job = find_job(services, tenant, code)
    if job.status is not JobStatus.COMPLETED:
        message = f"This export is {job.status}; only a Completed one has a file."
        raise NotCompletedError(message)
    return job


def present(services: Services, job: Job) -> CsvExportJobDto:
    """Show a job with its progress, without a link. Costs at most one query, for the pages in flight."""
    return show_job(job, processed_items(services, job), services.now())


def present_one(services: Services, job: Job) -> CsvExportJobDto:
    """Show a job as `present` does, and its request. If it can be resumed, show how much a resume would keep.

    That is asked of storage once in half a minute unless more is written, because it takes a request for each thousand
    pages, and one for the blocks.
    """
    processed = processed_items(services, job)
    shown = show_job(job, processed, services.now()).model_copy(update={"request": job.spec})
    if not job.is_resumable:
        return shown
    kept = services.kept_items.get(job, processed, lambda: kept_items(services, job))
    return shown.model_copy(update={"kept_items": kept})


def add_link(
    services: Services, job: Job, shown: CsvExportJobDto, reader: Reader, source: LinkSource
) -> CsvExportJobDto:
    """Add a new link to the view of a job, if the reader gets one."""
    if not gets_link(services, job, reader):
        return shown
    return shown.model_copy(update={"download_url": give_link(services, job, reader, source)})


def present_started(services: Services, job: Job, reader: Reader) -> CsvExportJobDto:
    """Show a job that was just started. If storage does not answer now, show what is known, and no link.

    The export has started. So the caller must get its code, and can request progress and link with the code. An error
    instead would have the caller send the request again, and so start a second export.
    """
    try:
        shown = present(services, job)
    except StorageUnavailableError:
        shown = show_job(job, job.settled_items, services.now())
    try:
        return add_link(services, job, shown, reader, LinkSource.START)
    except StorageUnavailableError as error:
        emit("link.not_given", logging.WARNING, tenant=job.tenant, job=job.code, error=error.code)
        return shown


def tag_of(services: Services, job: Job, shown: CsvExportJobDto, reader: Reader) -> str:
    """Return the entity tag of the answer that this reader would get. It changes before the reader's link expires."""
    return job_etag(shown, link_period(services) if gets_link(services, job, reader) else None)


def processed_items(services: Services, job: Job) -> int:
    """Count the clients written so far. This takes at most one query, for the pages in flight."""
    if job.status is JobStatus.COMPLETED or job.total_items is None:
        return job.settled_items
    return job.settled_items + sum(page.rows for page in services.pages.records(job.ref, job.settled_pages))
