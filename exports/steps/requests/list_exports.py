"""Step: list a tenant's jobs."""

from __future__ import annotations

from collections.abc import Collection

from exports.jobs.states import JobStatus
from exports.jobs.view import CsvExportJobDto
from exports.request.spec import SensitiveFields
from exports.services import Services
from exports.steps.requests.get_export import present
from shared.lists import ListDto, make_list


def list_exports(
    services: Services,
    tenant: str,
    limit: int,
    after: str | None,
    statuses: Collection[JobStatus] = (),
    sensitive: SensitiveFields = SensitiveFields.REFUSED,
) -> ListDto[CsvExportJobDto]:
    """Show at most `limit` jobs, newest first, that come after the code `after` and have one of the statuses.

    Each is shown as `present` does.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    jobs = services.jobs.list(tenant, limit + 1, after, statuses)
    return make_list(jobs, lambda job: job.code, lambda job: present(services, job, sensitive), limit)
