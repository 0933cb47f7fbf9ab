"""Records that a caller got a link to the file of a scheduled export."""

from __future__ import annotations

import logging

from exports.errors import JobNotFoundError, StorageUnavailableError
from exports.jobs.job import Job
from exports.services import Services
from shared.events import emit


def mark_downloaded(services: Services, job: Job) -> None:
    """Mark the job of a schedule as downloaded; do nothing for other jobs.

    An incremental schedule exports the changes since the last export that was downloaded. This costs one write for the
    first link. If the write fails, the caller still gets the link; the next run then exports more than necessary.
    """
    if job.schedule_code is None or job.downloaded_date is not None:
        return
    try:
        services.jobs.change(job.tenant, job.code, lambda job: job.mark_downloaded(services.now()))
    except (JobNotFoundError, StorageUnavailableError) as error:
        emit("download.not_recorded", logging.WARNING, tenant=job.tenant, job=job.code, error=error.code)
