"""Limits how many exports a tenant may run at once and start in a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from exports.errors import QuotaExceededError
from exports.ports.jobs import CountWindow
from exports.services import Services

_ACTIVE_WINDOW = timedelta(days=7)
_ACTIVE_RETRY_SECONDS = 30


def require_quota(services: Services, tenant: str) -> None:
    """Refuse another job if the tenant has too many. Requests at the same moment may exceed a limit by a few.

    Raises:
        QuotaExceededError: Too many jobs are active, or too many were started since midnight (UTC).
    """
    now, settings = services.now(), services.settings
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    active, created = services.jobs.count(
        tenant,
        active=CountWindow(now - _ACTIVE_WINDOW, settings.max_active_jobs),
        created=CountWindow(midnight, settings.max_jobs_per_day),
    )
    if active >= settings.max_active_jobs:
        message = f"Active exports of this tenant: {active}, the most it may have. Wait for one to end, or cancel one."
        raise QuotaExceededError(message, _ACTIVE_RETRY_SECONDS)
    if created >= settings.max_jobs_per_day:
        message = (
            f"This tenant has started {settings.max_jobs_per_day} exports today, the most it may. Try again tomorrow."
        )
        raise QuotaExceededError(message, _seconds_to_tomorrow(now, midnight))


def _seconds_to_tomorrow(now: datetime, midnight: datetime) -> int:
    return int((midnight + timedelta(days=1) - now).total_seconds()) + 1
