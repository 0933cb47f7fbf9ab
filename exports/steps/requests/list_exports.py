"""Step: list a tenant's jobs."""

from __future__ import annotations

from collections.abc import Collection

from exports.jobs.states import JobStatus
from exports.jobs.view import CsvExportJobDto
from exports.services import Services
from exports.steps.requests.get_export import present
from shared.lists import ListDto, make_list


def list_exports(
    services: Services,
    tenant: str,
    limit: int,
    after: str | None,
    statuses: Collection[JobStatus] = (),
) -> ListDto[CsvExportJobDto]:
    """List at most `limit` jobs, newest first, each without a link to its file.

    Args:
        after: The cursor: the code of the last job of the previous answer. The list continues after it.
        statuses: Lists only jobs with one of these statuses; if empty, lists all.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    jobs = services.jobs.list(tenant, limit + 1, after, statuses)
    return make_list(jobs, lambda job: job.code, lambda job: present(services, job), limit)
