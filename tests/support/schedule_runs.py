"""Runs schedules and their jobs without a host, by calling the steps one after the other."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from exports.jobs.failures import INTERRUPTED
from exports.jobs.job import Job
from exports.schedules.schedule import Schedule, ScheduleRef
from exports.steps.finalize.commit_file import commit_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.steps.schedules.run_schedules import run_schedules
from exports.workflow.commands import CommitFile, PlanPages, RecordOutcome, WritePage
from exports.workflow.outcomes import PagesPlanned, PageWritten
from tests.support.builders import NOON, a_schedule
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import READER, cancel, get_export, stored

SLOT = NOON + timedelta(minutes=90)
"""The first slot of `a_schedule`."""


def fire_timer(services: MemoryServices, starter: RecordingStarter | None = None) -> None:
    """Do what the timer does: start the exports of all due slots."""
    asyncio.run(run_schedules(services, starter or RecordingStarter()))


def stored_schedule(services: MemoryServices, ref: ScheduleRef) -> Schedule:
    """Return the stored schedule."""
    schedule = services.schedules.get(ref.tenant, ref.code)
    assert schedule is not None
    return schedule


def run_due_slot(services: MemoryServices, ref: ScheduleRef) -> Job:
    """Make a slot of the schedule due and fire the timer; return the started job, none of whose steps have run."""
    now = services.now()
    services.schedules.change(ref.tenant, ref.code, lambda schedule: schedule.with_state(next_slot=now))
    fire_timer(services)
    job = services.jobs.get(ref.tenant, stored_schedule(services, ref).state.last_job_code or "")
    assert job is not None
    assert job.schedule_code == ref.code
    return job


def complete_job(services: MemoryServices, job: Job, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Run a job to completion. Calls `meanwhile` between the steps."""
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=40))
    assert isinstance(planned, PagesPlanned)
    rows = size = 0
    for page in range(planned.pages):
        meanwhile()
        written = write_page(services, WritePage(job=job.ref, page=page))
        assert isinstance(written, PageWritten)
        rows, size = rows + written.rows, size + written.bytes
    meanwhile()
    commit_file(services, CommitFile(job=job.ref, pages=planned.pages, rows=rows, bytes=size))


def end_job(services: MemoryServices, job: Job, how: str) -> None:
    """End a job as `Completed`, `Failed` or `Cancelled`. It may have written all of its pages before."""
    if how == "Completed":
        complete_job(services, job)
    elif how == "Failed":
        record_outcome(services, RecordOutcome(job=job.ref, failure=INTERRUPTED))
    else:
        cancel(services, job)
    assert stored(services, job).status == how


def download_records(services: MemoryServices, job: Job) -> list[dict[str, Any]] | None:
    """Get a job and follow its link; return the records of the file, or None if the job has no link (any more)."""
    link = get_export(services, job.tenant, job.code, READER).download_url
    data = services.files.read(job.file_path) if link else None
    return None if data is None else list(csv.DictReader(io.StringIO(data.decode())))


def services_at_slot(**changes: Any) -> tuple[MemoryServices, Schedule]:
    """Make services that store one schedule, at the moment when its first slot is due."""
    services, schedule = a_services(), a_schedule(**changes)
    services.schedules.create(schedule)
    services.now.moment = SLOT
    return services, schedule


def only_job(services: MemoryServices) -> Job:
    """Return the job, of which there must be exactly one."""
    (job,) = services.jobs.all()
    return job


def run_outcomes(services: MemoryServices, schedule: Schedule) -> list[tuple[str, str | None]]:
    """Return outcome and reason of the newest runs of a schedule."""
    return [(run.outcome, run.reason) for run in services.runs.list(schedule.ref, 10)]
