"""Incremental exports: a watermark marks the changes that were exported, and the next run exports the later ones.

A completed run has exported every change that the database showed before its job was created. A change carries the
moment at which it was made (`updated_at`). But its transaction may commit later, a replica or a file that replaces
another one may show it later, and clocks differ. So the next run looks back further than the watermark, by a margin.
Every change is in some file as long as the database shows it within the margin after its row was stamped. A client that
changed within the margin may be in two files.

Changes in a file that was never downloaded have reached no reader. So the watermark advances only to a job whose file
was downloaded, and the next file contains the changes of the other files again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.jobs.watermark import content_hash, start_after, watermark_of
from exports.request.spec import ExportSpec
from exports.schedules.schedule import Schedule


def narrow(
    spec: ExportSpec, schedule: Schedule, margin: timedelta, absent: Collection[str] | None = None
) -> ExportSpec:
    """Restrict an incremental run to the clients that changed since the watermark, less the margin.

    If the request has an `updatedSince` of its own, the later of the two applies. If the columns or the filter are no
    longer those that were exported up to the watermark, for example because a mapping changed, or if the view has
    gained or lost exported columns, nothing is left out.

    Args:
        absent: The exported columns that the view lacks now; None: not known.
    """
    watermark = schedule.state.watermark
    hashed, known = schedule.state.watermark_of.partition(" ")[0], absent_at_watermark(schedule)
    if not schedule.content.incremental or watermark is None or hashed != content_hash(spec):
        return spec
    if absent is not None and known is not None and {*absent} != {*known}:
        return spec
    since = max(filter(None, (start_after(watermark, margin), spec.filter.updated_since)))
    return spec.model_copy(update={"filter": spec.filter.model_copy(update={"updated_since": since})})


def absent_at_watermark(schedule: Schedule) -> tuple[str, ...] | None:
    """Return the exported columns that the view lacked for what was exported up to the watermark.

    None if nobody knows: a version that did not keep them has exported it.
    """
    _, blank, columns = schedule.state.watermark_of.partition(" ")
    return tuple(columns.split()) if blank else None


def may_advance(schedule: Schedule, job: Job | None) -> bool:
    """Tell whether the watermark advances to a job as soon as its file has been downloaded."""
    return job is not None and job.status is JobStatus.COMPLETED and schedule.state.counts


def advance(schedule: Schedule, job: Job | None) -> Schedule:
    """Advance the watermark to a job that has completed, that counts, and whose file has been downloaded.

    The new watermark is that of the job: the moment when it was created, or its `updatedUntil` if that is earlier.
    """
    if job is None or job.downloaded_date is None or not may_advance(schedule, job):
        return schedule
    exported, absent = content_hash(job.spec), job.absent_columns
    if absent is not None:  # the blank says that they are known, even if there are none
        exported = f"{exported} {' '.join(absent)}"
    return schedule.with_state(watermark=watermark_of(job), watermark_of=exported)
