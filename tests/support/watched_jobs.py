"""Builds jobs that the watchdog watches.

The orchestrations are only recorded and never run. `crash`, used as a hook, ends the process at that point.
"""

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
    """The process ends here. Not an `Exception`, so no error handling catches it."""


def crash(*_: Any, **__: Any) -> None:
    """End the process at this point."""
    raise Crash


def a_system() -> tuple[MemoryServices, MemoryOrchestrationClient]:
    """Build services with five clients, and a client of the Durable task hub without orchestrations."""
    return a_services(some_clients(5), EXPORT_RETRY_TRIES=2), MemoryOrchestrationClient()


def start(services: MemoryServices, client: MemoryOrchestrationClient) -> Job:
    """Start an export. If a hook crashes the process, the job stays as it was at that point."""
    job = make_job(TENANT, two_columns(), new_job_code(services.now()), services.now())
    with suppress(Crash):
        asyncio.run(start_export(services, client, job, "me"))
    return job


def run_watchdog(
    services: MemoryServices, client: MemoryOrchestrationClient, times: int = 1, minutes: float = 1
) -> None:
    """Let `minutes` pass and run the watchdog; do both `times` times."""
    for _ in range(times):
        services.now.advance(minutes=minutes)
        asyncio.run(watch_jobs(services, client))


def a_watched_job(
    services: MemoryServices,
    client: MemoryOrchestrationClient,
    status: Status = Status.Running,
    starts: tuple[str, ...] = (),
) -> Job:
    """Start and plan a job of one page, or of pages that begin at the first client code and at `starts`."""
    job = start(services, client)
    client.statuses[job.ref.instance_id] = status
    if starts:
        plan = PagePlan(spec=job.spec, total_rows=len(services.clients.clients), starts=starts)
        services.files.save_plan(job.ref, plan.model_dump_json(by_alias=True).encode())
    plan_pages(services, PlanPages(job=job.ref, target_bytes=10_000))
    return stored(services, job)


def finish(services: MemoryServices, job: Job) -> None:
    """Run all steps of the job's attempt, up to the commit of its file."""
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=10_000))
    command = write_pages(services, job, getattr(planned, "pages", 0))
    assert commit_file(services, command) == Done(ended=True)


def watched_attempts(services: MemoryServices) -> list[tuple[str, int]]:
    """Return the code and the attempt of every job that the watchdog watches."""
    return [(entry.code, entry.attempt) for entry in services.watch.watched(100)]
