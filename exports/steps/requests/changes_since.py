"""Restricts an export to the clients that changed since another export of the tenant."""

from __future__ import annotations

from exports.jobs.codes import is_job_code
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.jobs.watermark import content_hash, start_after, watermark_of
from exports.request.faults import (
    BEFORE_START,
    START_FAILED,
    START_RUNS,
    START_STOPPED,
    START_WITH_OTHER_COLUMNS,
    START_WITH_OTHER_FILTER,
    START_WITH_OTHER_VIEW,
    TWO_STARTS,
    UNKNOWN_START,
)
from exports.request.spec import ExportSpec, InvalidSpecError
from exports.services import Services
from exports.steps.pages.selection import find_absent_columns
from shared.faults import FaultKind
from shared.problems import Fault, pointer


def changes_since(services: Services, tenant: str, code: str, spec: ExportSpec) -> ExportSpec:
    """Restrict an export to the clients that changed since the watermark of a completed job, less the margin.

    So an export of all clients, one since it, one since that, and so on, miss no change together, if the margin is
    longer than a change takes to reach the database after it was stamped. The file of the job need not be kept any
    more.

    Raises:
        InvalidSpecError: The tenant has no such job; it is not completed, or has other columns or another filter, or
            the view has gained or lost one of its columns; or the filter has an `updatedSince`, or an `updatedUntil`
            that is too early.
        StorageUnavailableError: Can be tried again.
    """
    job = services.jobs.get(tenant, code) if is_job_code(code) else None
    if job is None:
        raise InvalidSpecError([UNKNOWN_START.at(pointer("since"))])
    if refusal := _refusal(job, spec):
        raise InvalidSpecError([refusal])
    if columns := _changed_columns(services, job, spec):
        raise InvalidSpecError([START_WITH_OTHER_VIEW.at(pointer("since"), columns=", ".join(columns))])
    start = start_after(watermark_of(job), services.settings.incremental_margin)
    if spec.filter.updated_until is not None and spec.filter.updated_until <= start:
        raise InvalidSpecError([BEFORE_START.at(pointer("filter", "updatedUntil"))])
    changed = spec.filter.model_copy(update={"updated_since": start})
    return spec.model_copy(update={"filter": changed, "since": code})


def absent_for_base(services: Services, tenant: str, spec: ExportSpec) -> tuple[str, ...] | None:
    """Return the columns that the view lacked for the export that `spec` continues; None if nobody knows."""
    base = services.jobs.get(tenant, spec.since) if spec.since else None
    return None if base is None else base.absent_columns


def _changed_columns(services: Services, job: Job, spec: ExportSpec) -> list[str]:
    """Return the exported columns that the view has gained or lost since a job was planned, as far as is known."""
    absent = None if job.absent_columns is None else find_absent_columns(services, job.tenant, spec)
    return [] if absent is None else sorted({*absent}.symmetric_difference(job.absent_columns or ()))


def _refusal(job: Job, spec: ExportSpec) -> Fault | None:
    """Return why an export cannot start where a job ended, and what to change; None if it can."""
    kind: FaultKind | None = None
    if spec.filter.updated_since is not None:
        kind = TWO_STARTS
    elif not job.status.is_terminal:
        kind = START_RUNS
    elif job.status is not JobStatus.COMPLETED:
        return (START_STOPPED if job.is_resumable else START_FAILED).at(pointer("since"), status=job.status)
    elif job.spec.columns != spec.columns:
        kind = START_WITH_OTHER_COLUMNS
    elif content_hash(job.spec) != content_hash(spec):
        kind = START_WITH_OTHER_FILTER
    return None if kind is None else kind.at(pointer("since"))
