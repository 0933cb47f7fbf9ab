"""Learn from a tenant's recent jobs how many clients an export writes in a second."""

from __future__ import annotations

from dataclasses import dataclass

from exports.errors import StorageUnavailableError
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.request.fields import source_columns
from exports.request.spec import ExportSpec
from exports.services import Services

MAX_JOBS_READ = 25
"""The newest jobs of the tenant, which storage returns in one answer."""

_MAX_JOBS_USED = 5
_MIN_ROWS = 1_000
_MIN_SHARE = 0.1
"""A job is too small to tell anything if it has less than this share of the clients: pages of large jobs are written in
parallel."""

_MIN_SIMILARITY = 0.8
_SHORTEST_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class RecentRate:
    """How many clients some recent jobs have written in a second, beside the fixed time of a job."""

    rows_per_second: float
    jobs: int


def recent_rate(
    services: Services, tenant: str, spec: ExportSpec, rows: int, fixed_seconds: float
) -> RecentRate | None:
    """Return the rate of the tenant's recent completed jobs that are like an export; None if there are none.

    Args:
        rows: The number of clients of the export.
        fixed_seconds: What a job takes beside writing its clients.
    """
    try:
        jobs = services.jobs.list(tenant, MAX_JOBS_READ)
    except StorageUnavailableError:  # an estimate is worth more than its precision
        return None
    least = max(_MIN_ROWS, rows * _MIN_SHARE)
    timed = [
        (job.settled_items, seconds)
        for job in jobs
        if job.settled_items >= least and _is_alike(job.spec, spec) and (seconds := _seconds(job)) is not None
    ][:_MAX_JOBS_USED]
    if not timed:
        return None
    written = sum(items for items, _ in timed)
    taken = sum(max(seconds - fixed_seconds, _SHORTEST_SECONDS) for _, seconds in timed)
    return RecentRate(written / taken, len(timed))


def _seconds(job: Job) -> float | None:
    """Return how long a job took; None if it did not complete in its first attempt, or two clocks did not agree."""
    if job.status is not JobStatus.COMPLETED or job.attempt > 1 or not job.started_date or not job.completed_date:
        return None
    seconds = (job.completed_date - job.started_date).total_seconds()
    return seconds if seconds >= 0 else None


def _is_alike(first: ExportSpec, second: ExportSpec) -> bool:
    """Return whether two exports read much the same columns, by a filter of the same kind, into the same format."""
    if _ways(first) != _ways(second) or _filters(first) != _filters(second):
        return False
    one, other = _columns(first), _columns(second)
    return len(one & other) >= _MIN_SIMILARITY * len(one | other)


def _ways(spec: ExportSpec) -> tuple[object, ...]:
    """Return what else decides how fast an export is: one process alone reads a snapshot."""
    return spec.format.kind, spec.format.compression, spec.consistency


def _columns(spec: ExportSpec) -> frozenset[str]:
    return frozenset(name for column in spec.columns for name in source_columns(column.target_field))


def _filters(spec: ExportSpec) -> frozenset[str]:
    return frozenset(spec.filter.model_dump(exclude_defaults=True))
