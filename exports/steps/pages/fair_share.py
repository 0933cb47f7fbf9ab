"""Limit the pages that a job has in flight, so that every tenant and every job of a tenant makes progress.

Durable Functions runs work in the order in which it was scheduled. So a step of a job waits for the work that is in
flight when the step is scheduled. If every job schedules less at a time, the steps of other jobs wait less.
"""

from __future__ import annotations

from exports.services import Services

_MIN_SHARE = 2


def share_of(services: Services, tenant: str, pages: int | None = None) -> int:
    """Divide the pages in flight among the tenants with active jobs, then among the jobs of this tenant.

    A job that is alone gets all. No job gets fewer than two, so that it need not pause after each page.

    Args:
        pages: The number of pages of the job, if it is known. The active jobs are not counted if every possible share
            has room for all of the pages.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    budget = services.settings.wave_pages
    if pages is not None and pages <= _MIN_SHARE:
        return budget
    active = services.watch.active()
    share = budget // max(len(active), 1) // max(active.get(tenant, 0), 1)
    return min(max(share, _MIN_SHARE), budget)
