"""Records that a caller got a link to the file of a scheduled export."""

from __future__ import annotations

import logging

from exports.errors import JobNotFoundError, StorageUnavailableError
from exports.jobs.job import Job
from exports.services import Services

_log = logging.getLogger(__name__)


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
        _log.warning("event=download.not_recorded tenant=%s code=%s reason=%s", job.tenant, job.code, error.code)
