"""Brings a job into the state in which a test of a step begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from exports.file.plan import PagePlan
from exports.jobs.audit import LinkSource
from exports.jobs.failures import INTERRUPTED
from exports.jobs.job import Job
from exports.jobs.states import JobEvent, JobStatus, next_status
from exports.jobs.view import CsvExportJobDto
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.spec import ExportSpec
from exports.services import Services
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.pages.write_page import write_page
from exports.steps.requests.get_export import add_link, find_job, present_one
from exports.steps.requests.give_link import Reader
from exports.workflow.commands import CommitFile, RecordOutcome, WritePage
from exports.workflow.outcomes import PageWritten
from tests.support.builders import a_job
from tests.support.fake_clients import Client
from tests.support.fakes import MemoryServices

TENANT = "tenant"
READER = Reader("reader")
"""A caller that may read files, but no sensitive fields."""
STARTS = ("C0003", "C0005")
"""First keys of the later pages of `a_planned_job`: the five clients `C0001` … `C0005` make pages of 2, 2 and 1."""


def some_clients(count: int, tenant: str = TENANT) -> list[Client]:
    """Build clients `C0001`, `C0002`, … with names."""
    return [{"tenant": tenant, "code": f"C{n:04d}", "name": f"Client {n}"} for n in range(1, count + 1)]


def two_columns(**changes: Any) -> ExportSpec:
    """Build a specification with the columns `Code` and `Name`."""
    fields = (TargetField.CODE, TargetField.NAME)
    columns = tuple(ColumnMapping(csv_header=field.value, target_field=field) for field in fields)
    return ExportSpec(columns=columns).model_copy(update=changes)


def a_stored_job(services: MemoryServices, **changes: Any) -> Job:
    """Store a queued job of two columns and return it."""
    job = a_job(**{"tenant": TENANT, "spec": two_columns(), **changes})
    assert services.jobs.create(job)
    return job


def a_planned_job(services: MemoryServices, starts: tuple[str, ...] = STARTS, **changes: Any) -> Job:
    """Store a job in progress. Its first page begins at the first client, the other pages at `starts`."""
    job = a_stored_job(services, **changes)
    total_rows = len(services.clients.clients)
    plan = PagePlan(spec=job.spec, total_rows=total_rows, starts=starts)
    services.files.save_plan(job.ref, plan.model_dump_json(by_alias=True).encode())
    return services.jobs.change(job.tenant, job.code, lambda job: job.begin(services.now()).plan(total_rows))


def write_pages(services: MemoryServices, job: Job, pages: int = len(STARTS) + 1) -> CommitFile:
    """Write the first `pages` pages; return the command that commits their blocks."""
    written = [write_page(services, WritePage(job=job.ref, page=page)) for page in range(pages)]
    counted = [outcome for outcome in written if isinstance(outcome, PageWritten)]
    return CommitFile(
        job=job.ref,
        pages=pages,
        rows=sum(outcome.rows for outcome in counted),
        bytes=sum(outcome.bytes for outcome in counted),
    )


def stored(services: MemoryServices, job: Job) -> Job:
    """Return the job as it is in the store now."""
    found = services.jobs.get(job.tenant, job.code)
    assert found is not None
    return found


def cancel(services: MemoryServices, job: Job) -> None:
    """Set the job to `Cancelled` now. Its blocks and its file stay."""
    now = services.now()
    services.jobs.change(
        job.tenant,
        job.code,
        lambda job: replace(job, status=next_status(job.status, JobEvent.CANCEL), completed_date=now),
    )


def take_over(services: MemoryServices, job: Job) -> None:
    """Start a newer attempt, which takes the place of this one."""
    services.jobs.change(
        job.tenant,
        job.code,
        lambda job: replace(job, attempt=job.attempt + 1, status=JobStatus.IN_PROGRESS),
    )


def a_cancelled_job(services: MemoryServices) -> Job:
    """Plan a job, and cancel it."""
    job = a_planned_job(services)
    cancel(services, job)
    return job


def a_failed_job(services: MemoryServices) -> Job:
    """Plan a job, and end it as failed; it can be resumed."""
    job = a_planned_job(services)
    record_outcome(services, RecordOutcome(job=job.ref, failure=INTERRUPTED))
    return job


def get_export(services: Services, tenant: str, code: str, reader: Reader) -> CsvExportJobDto:
    """Show a job as the route `get_export` does to a caller who sends no entity tag."""
    job = find_job(services, tenant, code)
    return add_link(services, job, present_one(services, job), reader, LinkSource.STATUS)
