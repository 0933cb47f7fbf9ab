"""Limits how many exports a tenant may run at once, and start or resume in a day."""

from __future__ import annotations

from exports.jobs.quota import Quota
from exports.services import Services


def quota_of(services: Services) -> Quota:
    """Return the limits of every tenant."""
    return Quota(services.settings.max_active_jobs, services.settings.max_jobs_per_day)


def require_room(services: Services, tenant: str) -> None:
    """Refuse a request before anything is written for it. The job's row is then written within the quota.

    Raises:
        QuotaExceededError: Too many jobs are active, or too many were started or resumed since midnight (UTC).
    """
    services.jobs.require_room(tenant, quota_of(services), services.now())
