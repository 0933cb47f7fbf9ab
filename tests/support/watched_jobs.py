"""Jobs under the watchdog's eyes, orchestrations that are kept and never run, and processes that end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from azure.durable_functions import OrchestrationRuntimeStatus as Status

from exports.file.plan import PagePlan
from exports.jobs.codes import new_job_code
from exports.jobs.job import Job
from exports.steps.finalize.commit_file import commit_file
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.requests.make_job import make_job
from exports.steps.requests.start_export import start_export
from exports.steps.upkeep.watch_jobs import watch_jobs
from exports.workflow.commands import PlanPages
from exports.workflow.outcomes import Done
from tests.support.fake_durable import MemoryOrchestrationClient
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, some_clients, stored, two_columns, write_pages


class Crash(BaseException):
    """The process ends here."""


def crash(*_: Any) -> None:
    raise Crash


def a_system() -> tuple[MemoryServices, MemoryOrchestrationClient]:
    return a_services(some_clients(5), EXPORT_RETRY_TRIES=2), MemoryOrchestrationClient()


def start(services: MemoryServices, keeper: MemoryOrchestrationClient) -> Job:
    job = make_job(TENANT, two_columns(), new_job_code(services.now()), services.now())
    with suppress(Crash):
        asyncio.run(start_export(services, keeper, job, "me"))
    return job


def look(services: MemoryServices, keeper: MemoryOrchestrationClient, times: int = 1, minutes: float = 1) -> None:
    """Let time pass and the watchdog look, so many times."""
    for _ in range(times):
        services.now.advance(minutes=minutes)
        asyncio.run(watch_jobs(services, keeper))


def under_way(
    services: MemoryServices,
    keeper: MemoryOrchestrationClient,
    status: Status = Status.Running,
    starts: tuple[str, ...] = (),
) -> Job:
    """A job that is planned; in one page, or in pages that begin where told."""
    job = start(services, keeper)
    keeper.statuses[job.ref.instance_id] = status
    if starts:
        plan = PagePlan(spec=job.spec, total_rows=len(services.clients.clients), starts=starts)
        services.files.save_plan(job.ref, plan.model_dump_json(by_alias=True).encode())
    plan_pages(services, PlanPages(job=job.ref, target_bytes=10_000))
    return stored(services, job)


def finish(services: MemoryServices, job: Job) -> None:
    """Run the steps of the job's attempt to its end."""
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=10_000))
    command = write_pages(services, job, getattr(planned, "pages", 0))
    assert commit_file(services, command) == Done(ended=True)


def entries(services: MemoryServices) -> list[tuple[str, int]]:
    return [(entry.code, entry.attempt) for entry in services.watch.watched(100)]
