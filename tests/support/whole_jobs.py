"""Runs a whole job in memory: the orchestrator of jobs, with the real steps, as the activities run them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exports.jobs.job import Job
from exports.jobs.watchdog import watched
from exports.steps.finalize.commit_file import commit_file
from exports.steps.finalize.discard_file import discard_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.steps.small_jobs.plan_or_export import plan_or_export
from exports.triggers.activities import run_job_step, run_step
from exports.workflow.commands import (
    CommitFile,
    DiscardFile,
    ExportJob,
    Limits,
    PlanOrExport,
    PlanPages,
    RecordOutcome,
    WritePage,
)
from exports.workflow.names import EXPORT_JOB
from tests.support.fakes import MemoryServices
from tests.support.orchestrators import Run, run
from tests.support.steps import a_stored_job

TARGET_BYTES = 20_000
STEPS: dict[str, tuple[Callable[..., Any], Callable[..., Any], type[Any]]] = {
    "plan_or_export": (run_job_step, plan_or_export, PlanOrExport),
    "plan_pages": (run_job_step, plan_pages, PlanPages),
    "write_page": (run_job_step, write_page, WritePage),
    "commit_file": (run_job_step, commit_file, CommitFile),
    "record_outcome": (run_step, record_outcome, RecordOutcome),
    "discard_file": (run_step, discard_file, DiscardFile),
}


class Crash(BaseException):
    """The process ends here. Not an `Exception`, so no error handling catches it."""


def crash() -> None:
    """End the process at this point."""
    raise Crash


def a_watched_job(services: MemoryServices, **changes: Any) -> Job:
    """Store a queued job of two columns that the watchdog watches."""
    job = a_stored_job(services, **changes)
    services.watch.watch(watched(job.ref, services.now()))
    return job


def export_whole(services: MemoryServices, job: Job, *, small_at_once: bool | None = True) -> Run:
    """Run the orchestrator of the job's attempt to its end. A step that crashes fails, as when a worker dies."""

    def answer(name: str, payload: Any) -> Any:
        run_activity, step, command = STEPS[name]
        try:
            return run_activity(lambda: services, step, command, payload)
        except Crash:
            raise OSError("the worker died") from None

    started = ExportJob(job=job.ref, limits=Limits(target_bytes=TARGET_BYTES), small_at_once=small_at_once)
    done = run(EXPORT_JOB, started.model_dump(mode="json", by_alias=True), answer)
    while done.continued_with is not None:
        before, done = done, run(EXPORT_JOB, done.continued_with, answer)
        done.scheduled = before.scheduled + done.scheduled
    return done
