"""Incremental exports: what was exported so far, and what remains.

A run that completes has exported every change that was committed before its job was created. A change carries the
moment at which it was made (`updated_at`), but may be committed later, and clocks differ; so the next run looks back
further than that, by a margin. As long as no transaction stamps a row and takes longer than the margin to commit, every
change is in some file; a client that changed within the margin may be in two.

A file that nobody fetched tells nobody anything. So only one that was fetched moves the watermark on, and what is in
the others is in the next file again.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.request.spec import ExportSpec
from exports.schedules.schedule import Schedule
from shared.named_resources import to_millisecond


def narrow(spec: ExportSpec, schedule: Schedule, margin: timedelta) -> ExportSpec:
    """Leave out what earlier runs of an incremental schedule have exported; the request's own `updatedSince` stays.

    Columns that were changed since, in the mapping that the request names, begin anew.
    """
    watermark = schedule.state.watermark
    if not schedule.content.incremental or watermark is None or schedule.state.watermark_of != content_hash(spec):
        return spec
    since = max(filter(None, (watermark - margin, spec.filter.updated_since)))
    return spec.model_copy(update={"filter": spec.filter.model_copy(update={"updated_since": since})})


def may_advance(schedule: Schedule, job: Job | None) -> bool:
    """Say whether the watermark moves on to a job once somebody has fetched its file."""
    return job is not None and job.status is JobStatus.COMPLETED and schedule.state.counts


def advance(schedule: Schedule, job: Job | None) -> Schedule:
    """Move the watermark on to a job that has completed, that counts, and whose file somebody has fetched.

    It is the moment when the job was created: before it read anything, in whichever of its attempts.
    """
    if job is None or job.fetched_date is None or not may_advance(schedule, job):
        return schedule
    watermark = to_millisecond(job.created_date)
    return schedule.with_state(watermark=watermark, watermark_of=content_hash(job.spec))


def content_hash(spec: ExportSpec) -> str:
    """Digest which columns of which clients a job exports, whenever they changed."""
    whenever = spec.filter.model_copy(update={"updated_since": None})
    told = ExportSpec(columns=spec.columns, filter=whenever).model_dump_json(by_alias=True)
    return hashlib.sha256(told.encode()).hexdigest()
