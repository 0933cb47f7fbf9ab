"""The watermark of a job: the moment up to which its file holds every change of the clients that it selects."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from exports.jobs.job import Job
from exports.request.filters import LISTS, ClientFilter
from exports.request.spec import ExportSpec
from shared.named_resources import to_millisecond

_EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
"""The earliest moment that a stored filter may name."""


def watermark_of(job: Job) -> datetime:
    """Return the moment when the job was created, or its `updatedUntil` if that is earlier.

    The creation is before any attempt of the job read a client. Changes from `updatedUntil` on are not in its file.
    """
    until = job.spec.filter.updated_until
    return to_millisecond(job.created_date if until is None else min(job.created_date, until))


def start_after(watermark: datetime, margin: timedelta) -> datetime:
    """Return the moment from which the next export looks for changes: the watermark less the margin."""
    return max(watermark.astimezone(UTC) - margin, _EARLIEST)


def content_hash(spec: ExportSpec) -> str:
    """Hash which columns of which clients a job exports, regardless of when the clients changed.

    Filters that let the same clients through have the same hash: the order of the values in a list means nothing.
    """
    wanted = ClientFilter(
        **{name: tuple(sorted(set(getattr(spec.filter, name)))) for name in LISTS}, search=spec.filter.search or None
    )
    canonical = ExportSpec(columns=spec.columns, filter=wanted).model_dump_json(by_alias=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
