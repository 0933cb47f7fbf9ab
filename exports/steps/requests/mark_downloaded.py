"""Step: note that somebody was given a link to the file of a scheduled export."""

from __future__ import annotations

import logging

from exports.errors import JobNotFoundError, StorageUnavailableError
from exports.jobs.job import Job
from exports.services import Services

_log = logging.getLogger(__name__)


def mark_downloaded(services: Services, job: Job) -> None:
    """Let the job count as fetched: an incremental schedule goes on from what somebody has.

    Costs one write, the first time. The link is given even if that fails: then the next run exports more than it needs.
    """
    if job.schedule_code is None or job.downloaded_date is not None:
        return
    try:
        services.jobs.change(job.tenant, job.code, lambda job: job.mark_downloaded(services.now()))
    except (JobNotFoundError, StorageUnavailableError) as error:
        _log.warning("event=fetch.not_noted tenant=%s code=%s reason=%s", job.tenant, job.code, error.code)
