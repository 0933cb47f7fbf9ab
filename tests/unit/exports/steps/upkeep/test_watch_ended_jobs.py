"""The watchdog: jobs that have ended, two watchdogs at once, many jobs, and webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from exports.errors import StorageUnavailableError
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.jobs.watchdog import MAX_RETRIES
from exports.request.body import NotifyDto
from exports.steps.finalize.publish_file import publish_file
from exports.steps.orchestrations import NotStartedError
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.steps.requests.cancel_export import cancel_export
from exports.steps.requests.resume_export import resume_export
from exports.steps.upkeep.watch_jobs import watch_jobs
from exports.workflow.commands import PlanPages, WritePage
from exports.workflow.names import WEBHOOK_DELIVERY
from tests.support.fake_durable import MemoryOrchestrationClient
from tests.support.fakes import MemoryServices
from tests.support.steps import TENANT, stored, write_pages
from tests.support.watched_jobs import (
    Crash,
    a_system,
    a_watched_job,
    crash,
    finish,
    run_watchdog,
    start,
    watched_attempts,
)

# --- jobs that have ended ---


def _complete(services: MemoryServices, job: Job) -> None:
    finish(services, job)


def _cancel(services: MemoryServices, job: Job) -> None:
    cancel_export(services, TENANT, job.code, "me")


@pytest.mark.parametrize("end", [_complete, _cancel])
def test_a_job_that_has_ended_is_no_longer_watched(end: Callable[[MemoryServices, Job], None]) -> None:
    services, client = a_system()
    job = a_watched_job(services, client)
    end(services, job)
    assert watched_attempts(services) == []


def test_a_job_that_could_not_be_started_is_no_longer_watched() -> None:
    services, client = a_system()

    def refuse() -> None:
        raise ConnectionError

    client.before_start = refuse
    with pytest.raises(NotStartedError):
        start(services, client)
    assert watched_attempts(services) == []
    assert services.watch.active() == {}


def test_the_next_run_cleans_up_after_a_crash_at_the_end_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    services, client = a_system()
    job = a_watched_job(services, client)
    write_page(services, WritePage(job=job.ref, page=0))
    services.files.commit(job.file_path, list(services.files.staged(job.file_path)))
    with monkeypatch.context() as broken, suppress(Crash):
        broken.setattr(services.files, "get_state", crash)
        cancel_export(services, TENANT, job.code, "me")
    assert services.files.size_bytes(job.file_path)
    run_watchdog(services, client)
    assert services.files.size_bytes(job.file_path) is None
    assert watched_attempts(services) == []


def test_a_job_that_is_resumed_while_it_ends_stays_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    services, client = a_system()
    job = a_watched_job(services, client)
    unwatch = services.watch.unwatch

    def unwatch_after_a_resume(entry: Any) -> None:
        monkeypatch.undo()
        asyncio.run(resume_export(services, client, TENANT, job.code, "me"))
        unwatch(entry)

    monkeypatch.setattr(services.watch, "unwatch", unwatch_after_a_resume)
    cancel_export(services, TENANT, job.code, "me")
    assert watched_attempts(services) == [(job.code, 2)]


# --- two watchdogs, and many jobs ---


@pytest.mark.parametrize("status", [None, Status.Failed, Status.Running])
def test_two_concurrent_watchdogs_start_one_attempt(status: Status | None) -> None:
    services, client = a_system()
    job = a_watched_job(services, client)
    if status is None:
        client.statuses.clear()
    else:
        client.statuses[job.ref.instance_id] = status
    started = len(client.started)
    run_watchdog(services, client, times=33 if status is Status.Running else 1)
    before = stored(services, job)
    services.now.advance(minutes=1)

    async def twice() -> None:
        await asyncio.gather(watch_jobs(services, client), watch_jobs(services, client))

    asyncio.run(twice())
    run_watchdog(services, client)
    assert len(client.started) == started + 1
    assert stored(services, job).attempt <= max(2, before.attempt)
    assert len(watched_attempts(services)) == 1


def test_a_job_that_cannot_be_read_does_not_keep_the_watchdog_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    services, client = a_system()
    client.before_start = crash
    jobs = [start(services, client) for _ in range(5)]
    client.before_start = lambda: None
    get = services.jobs.get

    def fail_for_the_first(tenant: str, code: str) -> Job | None:
        if code == jobs[0].code:
            raise StorageUnavailableError("No answer.")
        return get(tenant, code)

    monkeypatch.setattr(services.jobs, "get", fail_for_the_first)
    run_watchdog(services, client, times=2)
    assert {instance for _, instance, _ in client.started} == {f"{job.code}-1" for job in jobs[1:]}


def test_the_watchdog_checks_more_jobs_than_one_read_returns() -> None:
    services, client = a_system()
    client.before_start = crash
    jobs = [start(services, client) for _ in range(7)]
    client.before_start = lambda: None
    services.now.advance(minutes=2)
    asyncio.run(watch_jobs(services, client, limit=3))
    assert {instance for _, instance, _ in client.started} == {f"{job.code}-1" for job in jobs}


def test_a_job_whose_retries_are_used_up_fails() -> None:
    services, client = a_system()
    job = a_watched_job(services, client, Status.Failed)
    services.jobs.change(TENANT, job.code, lambda job: replace(job, retries=MAX_RETRIES))
    run_watchdog(services, client, times=3)
    assert stored(services, job).status is JobStatus.FAILED


def _notified(client: MemoryOrchestrationClient) -> list[str | None]:
    return [instance for name, instance, _ in client.started if name == WEBHOOK_DELIVERY]


def test_a_job_that_the_watchdog_fails_sends_its_webhook() -> None:
    services, client = a_system()
    job = a_watched_job(services, client, Status.Failed)
    notify = NotifyDto.model_validate({"webhookUrl": "https://hooks.example/end"})
    services.jobs.change(TENANT, job.code, lambda job: replace(job, retries=MAX_RETRIES, notify=notify))
    run_watchdog(services, client, times=3)
    assert _notified(client) == [f"{job.code}-1-webhook"]


def test_the_watchdog_sends_the_webhook_if_the_process_died_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    services, client = a_system()
    job = a_watched_job(services, client)
    notify = NotifyDto.model_validate({"webhookUrl": "https://hooks.example/end"})
    services.jobs.change(TENANT, job.code, lambda job: replace(job, notify=notify))
    with monkeypatch.context() as broken, suppress(Crash):
        broken.setattr(services.files, "get_state", crash)
        cancel_export(services, TENANT, job.code, "me")
    run_watchdog(services, client, times=3)
    assert _notified(client) == [f"{job.code}-1-webhook"]


def test_a_job_that_the_watchdog_fails_loses_a_file_published_before() -> None:
    services, client = a_system()
    job = a_watched_job(services, client, Status.Failed)
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=10_000))
    publish_file(services, write_pages(services, job, getattr(planned, "pages", 0)))
    services.jobs.change(TENANT, job.code, lambda job: replace(job, retries=MAX_RETRIES))
    run_watchdog(services, client, times=3)
    assert stored(services, job).status is JobStatus.FAILED
    assert services.files.read(job.file_path) is None
    finish(services, asyncio.run(resume_export(services, client, TENANT, job.code, "me")))
    assert stored(services, job).status is JobStatus.COMPLETED
