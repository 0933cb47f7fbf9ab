"""Lets schedules run, and their jobs to an end, without a host: the steps one after the other."""

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
from exports.steps.requests.get_export import get_export
from exports.steps.schedules.run_schedules import run_schedules
from exports.workflow.commands import CommitFile, PlanPages, RecordOutcome, WritePage
from exports.workflow.outcomes import PagesPlanned, PageWritten
from tests.support.builders import NOON, a_schedule
from tests.support.fakes import MemoryServices, RecordingStarter, a_services
from tests.support.steps import cancel, stored

SLOT = NOON + timedelta(minutes=90)
"""The first slot of `a_schedule`."""


def tick(services: MemoryServices, starter: RecordingStarter | None = None) -> None:
    """The timer fires."""
    asyncio.run(run_schedules(services, starter or RecordingStarter()))


def found(services: MemoryServices, ref: ScheduleRef) -> Schedule:
    """The schedule as it is now."""
    schedule = services.schedules.get(ref.tenant, ref.code)
    assert schedule is not None
    return schedule


def let_slot_come(services: MemoryServices, ref: ScheduleRef) -> Job:
    """Let a slot of the schedule come now; its job, which is still to run."""
    now = services.now()
    services.schedules.change(ref.tenant, ref.code, lambda schedule: schedule.with_state(next_slot=now))
    tick(services)
    job = services.jobs.get(ref.tenant, found(services, ref).state.last_job_code or "")
    assert job is not None
    assert job.schedule_code == ref.code
    return job


def complete(services: MemoryServices, job: Job, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Let a job run to its end. `meanwhile` happens after every step."""
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


def end(services: MemoryServices, job: Job, how: str) -> None:
    """End a job that has perhaps read everything: `Completed`, `Failed` or `Cancelled`."""
    if how == "Completed":
        complete(services, job)
    elif how == "Failed":
        record_outcome(services, RecordOutcome(job=job.ref, failure=INTERRUPTED))
    else:
        cancel(services, job)
    assert stored(services, job).status == how


def fetch(services: MemoryServices, job: Job) -> list[dict[str, Any]] | None:
    """Ask for a job and follow its link; the records of the file, or None if there is no link (any more)."""
    link = get_export(services, job.tenant, job.code).download_url
    data = services.files.read(job.file_path) if link else None
    return None if data is None else list(csv.DictReader(io.StringIO(data.decode())))


def at_slot(**changes: Any) -> tuple[MemoryServices, Schedule]:
    """Services at the moment when the slot of a schedule has come."""
    services, schedule = a_services(), a_schedule(**changes)
    services.schedules.create(schedule)
    services.now.moment = SLOT
    return services, schedule


def only_job(services: MemoryServices) -> Job:
    """The one job there is."""
    (job,) = services.jobs.all()
    return job


def outcomes(services: MemoryServices, schedule: Schedule) -> list[tuple[str, str | None]]:
    """What became of the newest slots, and why."""
    return [(run.outcome, run.reason) for run in services.runs.list(schedule.ref, 10)]
