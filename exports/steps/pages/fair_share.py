"""How many pages a job may have in flight, so that each tenant and each of its jobs gets its turn.

Durable Functions takes work in the order it was asked for. So whoever asks for less at a time leaves room for others to
come in between: what a step of another job has to wait for is what is in flight when it comes.
"""

from __future__ import annotations

from exports.services import Services

_LEAST = 2


def share_of(services: Services, tenant: str, pages: int | None = None) -> int:
    """Divide the pages in flight by the tenants with jobs under way, then by the jobs of this one.

    A job that is alone gets all; none gets fewer than two, so that it does not have to wait after each.

    Args:
        pages: All that the job has, if that is known: for so few as every share has room for nobody is counted.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    budget = services.settings.wave_pages
    if pages is not None and pages <= _LEAST:
        return budget
    active = services.watch.active()
    share = budget // max(len(active), 1) // max(active.get(tenant, 0), 1)
    return min(max(share, _LEAST), budget)
