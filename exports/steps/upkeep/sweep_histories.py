"""Step: purge old orchestration histories that cannot be found by name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from exports.services import Services

_HISTORIES = "histories"
_HISTORY_AGE, _WINDOW = timedelta(days=2), timedelta(hours=1)

PurgeBetween = Callable[[datetime, datetime], Awaitable[object]]
"""Purges the histories of orchestrations that have ended and were created between two moments."""


async def sweep_histories(services: Services, purge_between: PurgeBetween) -> None:
    """Purge the histories of ended orchestrations that were created in the next hour after the stored cursor.

    Histories of the last two days are kept. Durable Functions chooses the instance ids of waves, so their histories
    cannot be purged together with those of their job.
    """
    now = services.now()
    cursor = await asyncio.to_thread(services.watch.cursor, _HISTORIES)
    begin = datetime.fromisoformat(cursor) if cursor else now - _HISTORY_AGE - _WINDOW
    end = begin + _WINDOW
    if end > now - _HISTORY_AGE:
        return
    await purge_between(begin, end)
    await asyncio.to_thread(services.watch.save_cursor, _HISTORIES, end.isoformat())
