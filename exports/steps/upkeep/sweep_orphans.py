"""Step: find data that belongs to no job, a part of the storage at a time, and remove it.

Normally there is none, because the data of a job is removed before its row. But a step that was delayed until after
that may leave a block or a record behind.
"""

from __future__ import annotations

from datetime import timedelta

from exports.jobs.job import JobRef
from exports.services import Services
from exports.steps.upkeep.purge_data import purge_data
from shared.events import emit

MAX_BLOBS, MAX_LEDGERS, MAX_RECORDS = 100, 10, 40
"""How many of each a sweep reads."""
_BLOBS, _LEDGERS, _RECORDS = "blobs", "ledgers", "records"


def sweep_orphans(services: Services) -> None:
    """Check the next blobs, page records and idempotency records after the last sweep, and remove orphans.

    When a sweep has reached the end, the next one starts from the beginning. Safe to run twice, and at the same time.
    """
    _sweep_blobs(services)
    _sweep_ledgers(services)
    _sweep_records(services)


def _sweep_blobs(services: Services) -> None:
    cursor = services.watch.cursor(_BLOBS)
    services.watch.save_cursor(_BLOBS, "")  # if storage no longer accepts this cursor, the next sweep starts anew
    jobs, following = services.files.sweep(cursor, MAX_BLOBS)
    for ref in jobs:
        _purge_if_orphaned(services, ref)
    services.watch.save_cursor(_BLOBS, following)


def _sweep_ledgers(services: Services) -> None:
    cursor = services.watch.cursor(_LEDGERS)
    for _ in range(MAX_LEDGERS):
        found = services.pages.next_job(cursor)
        if found is None:
            cursor = ""
            break
        ref, cursor = found
        _purge_if_orphaned(services, ref)
    services.watch.save_cursor(_LEDGERS, cursor)


def _purge_if_orphaned(services: Services, ref: JobRef) -> None:
    """Purge the data if the job has no row. The row is created before any other data of the job and removed last."""
    if not services.jobs.exists(ref.tenant, ref.code):
        purge_data(services, ref)
        emit("orphan.purged", tenant=ref.tenant, job=ref.code)


def _sweep_records(services: Services) -> None:
    """Remove old idempotency records whose job is gone. Their keys can be used again."""
    records, following = services.requests.sweep(services.watch.cursor(_RECORDS), MAX_RECORDS)
    oldest_kept = services.now() - services.settings.keep_rows - timedelta(days=1)
    for record in records:
        if record.created_date < oldest_kept and not services.jobs.exists(record.tenant, record.code):
            services.requests.forget(record)
    services.watch.save_cursor(_RECORDS, following)
