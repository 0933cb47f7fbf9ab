"""Step: find what belongs to no job, a little at a time, and remove it.

In the normal course there is none: what a job has goes before its row does. A step that was held up until after that
may leave a block or a record behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from exports.jobs.job import JobRef
from exports.services import Services
from exports.steps.upkeep.apply_retention import purge_remains

BLOBS, LEDGERS, RECORDS = 500, 50, 200
_BLOBS, _LEDGERS, _RECORDS, _HISTORIES = "blobs", "ledgers", "records", "histories"
_HISTORY_AGE, _HISTORY_SPAN = timedelta(days=2), timedelta(hours=1)


PurgeBetween = Callable[[datetime, datetime], Awaitable[object]]
"""Purges the histories of orchestrations that have ended and were created between two moments."""


def sweep_orphans(services: Services) -> None:
    """Go on where the last sweep ended, over blobs, page records and idempotency records; from the beginning after the
    end. Safe to run twice, and at the same time."""
    _sweep_blobs(services)
    _sweep_ledgers(services)
    _sweep_records(services)


async def sweep_histories(services: Services, purge_between: PurgeBetween) -> None:
    """Purge the histories of orchestrations that ended and began in the next hour of the past, until two days ago.

    Those of waves are not found by name: Durable Functions chose it, and purging a job's own leaves them.
    """
    now = services.now()
    cursor = await asyncio.to_thread(services.watch.cursor, _HISTORIES)
    begin = datetime.fromisoformat(cursor) if cursor else now - _HISTORY_AGE - _HISTORY_SPAN
    end = begin + _HISTORY_SPAN
    if end > now - _HISTORY_AGE:
        return
    await purge_between(begin, end)
    await asyncio.to_thread(services.watch.save_cursor, _HISTORIES, end.isoformat())


def _sweep_blobs(services: Services) -> None:
    cursor = services.watch.cursor(_BLOBS)
    services.watch.save_cursor(_BLOBS, "")  # a place that is no longer taken must not be taken for ever
    jobs, following = services.files.sweep(cursor, BLOBS)
    for ref in jobs:
        _purge_if_orphaned(services, ref)
    services.watch.save_cursor(_BLOBS, following)


def _sweep_ledgers(services: Services) -> None:
    cursor = services.watch.cursor(_LEDGERS)
    for _ in range(LEDGERS):
        found = services.pages.next_job(cursor)
        if found is None:
            cursor = ""
            break
        ref, cursor = found
        _purge_if_orphaned(services, ref)
    services.watch.save_cursor(_LEDGERS, cursor)


def _purge_if_orphaned(services: Services, ref: JobRef) -> None:
    """A job's row is there before anything else of it, and after."""
    if services.jobs.get(ref.tenant, ref.code) is None:
        purge_remains(services, ref)


def _sweep_records(services: Services) -> None:
    """An idempotency key is free again when its job is gone."""
    records, following = services.requests.sweep(services.watch.cursor(_RECORDS), RECORDS)
    oldest_kept = services.now() - services.settings.keep_rows - timedelta(days=1)
    for record in records:
        if record.created_date < oldest_kept and services.jobs.get(record.tenant, record.code) is None:
            services.requests.forget(record)
    services.watch.save_cursor(_RECORDS, following)
