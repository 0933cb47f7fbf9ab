"""Rules of a tenant's quota: how many of its jobs may be active, and how often it may start one in a day (UTC)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Self

from exports.errors import QuotaExceededError

_ACTIVE_RETRY_SECONDS = 30
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """How much of its quota a tenant uses.

    Attributes:
        day: The day (UTC) of `created`.
        created: Jobs that were started on that day, and resumes. A resume causes as much work and as many messages.
        active: Jobs that were active when they were last counted, and those that became active since. So it is never
            too low; it is too high by the jobs that have ended since.
        oldest: The greatest code of a job that may be active, which is the oldest one's; empty: none is active.
    """

    day: date
    created: int
    active: int
    oldest: str

    def on(self, now: datetime) -> Self:
        """Return the use on the day of a moment.

        A use of tomorrow stays, because the clock of the host that stored it may be ahead.
        """
        today = now.astimezone(UTC).date()
        return self if today <= self.day <= today + _DAY else replace(self, day=today, created=0)

    def add_started(self, code: str) -> Self:
        """Return the use after another job has been started, or one has been resumed."""
        return replace(self, created=self.created + 1, active=self.active + 1, oldest=max(self.oldest, code))


@dataclass(frozen=True, slots=True)
class Quota:
    """The limits of one tenant: active jobs, and jobs that are started or resumed in a day (UTC)."""

    active: int
    per_day: int

    def require_day(self, use: QuotaUse, now: datetime) -> None:
        """Refuse another start or resume today if the tenant has had too many.

        Raises:
            QuotaExceededError: The tenant may try again tomorrow.
        """
        if use.created >= self.per_day:
            message = (
                f"This tenant has started or resumed {self.per_day} exports today, the most it may. Try again tomorrow."
            )
            midnight = datetime(use.day.year, use.day.month, use.day.day, tzinfo=UTC)
            raise QuotaExceededError(message, int((midnight + _DAY - now).total_seconds()) + 1)

    def require_active(self, active: int) -> None:
        """Refuse another active job if the tenant has so many.

        Raises:
            QuotaExceededError: The tenant may try again when one of them has ended.
        """
        if active >= self.active:
            count = f"Active exports of this tenant: {active}, the most it may have."
            message = f"{count} Wait for one to end, or cancel one."
            raise QuotaExceededError(message, _ACTIVE_RETRY_SECONDS)
