"""The watchdog: whatever a job has come to, it goes on or ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from exports.jobs.codes import new_job_code
from exports.jobs.states import JobStatus
from exports.jobs.watchdog import MAX_RETRIES, MAX_WRITE_TIME, watched
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.steps.requests.cancel_export import cancel_export
from exports.steps.requests.get_export import get_export
from exports.steps.requests.make_job import make_job
from exports.steps.requests.resume_export import resume_export
from exports.workflow.commands import PlanPages, WritePage
from exports.workflow.names import EXPORT_JOB
from tests.support.steps import TENANT, stored, two_columns
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

DEAD = [Status.Completed, Status.Failed, Status.Terminated, Status.Canceled]
ALIVE = [Status.Pending, Status.Running, Status.ContinuedAsNew, Status.Suspended]


# --- lost starts ---


def test_a_job_whose_start_was_lost_is_started_once_after_the_grace() -> None:
    services, client = a_system()
    client.before_start = crash
    job = start(services, client)
    client.before_start = lambda: None
    assert (client.started, stored(services, job).status) == ([], JobStatus.QUEUED)

    run_watchdog(services, client, minutes=0.9)
    assert client.started == []
    run_watchdog(services, client, times=5)

    assert [(name, instance) for name, instance, _ in client.started] == [(EXPORT_JOB, f"{job.code}-1")]
    finish(services, job)
    assert stored(services, job).status is JobStatus.COMPLETED


def test_what_is_started_again_is_what_would_have_been_started() -> None:
    services, client = a_system()
    start(services, client)
    client.statuses.clear()
    run_watchdog(services, client, times=2)
    first, second = client.started
    assert first == second


def test_a_start_that_cannot_be_made_now_is_made_later() -> None:
    services, client = a_system()
    client.before_start = crash
    job = start(services, client)

    def refuse() -> None:
        raise ConnectionError

    client.before_start = refuse
    run_watchdog(services, client, times=3)
    client.before_start = lambda: None
    run_watchdog(services, client)
    assert [instance for _, instance, _ in client.started] == [f"{job.code}-1"]


@pytest.mark.parametrize("effect", ["watch", "create", "audit", "start"])
def test_a_crash_before_any_effect_of_a_start_leaves_nothing_or_a_job_that_runs(
    monkeypatch: pytest.MonkeyPatch, effect: str
) -> None:
    services, client = a_system()
    where: dict[str, tuple[object, str]] = {
        "watch": (services.watch, "watch"),
        "create": (services.jobs, "create"),
        "audit": (services.audit, "append"),
        "start": (client, "start_new"),
    }
    with monkeypatch.context() as broken:
        broken.setattr(*where[effect], crash)
        start(services, client)
    run_watchdog(services, client, times=20)
    jobs = services.jobs.all()
    assert len(jobs) == (effect in {"audit", "start"})
    assert [instance for _, instance, _ in client.started] == [f"{job.code}-1" for job in jobs]
    assert len(watched_attempts(services)) == len(jobs)


@pytest.mark.parametrize("effect", ["watch", "change", "audit", "start"])
def test_a_crash_before_any_effect_of_a_resume_leaves_the_job_as_it_was_or_running(
    monkeypatch: pytest.MonkeyPatch, effect: str
) -> None:
    services, client = a_system()
    job = start(services, client)
    cancel_export(services, TENANT, job.code, "me")
    where: dict[str, tuple[object, str]] = {
        "watch": (services.watch, "watch"),
        "change": (services.jobs, "change"),
        "audit": (services.audit, "append"),
        "start": (client, "start_new"),
    }
    with monkeypatch.context() as broken, suppress(Crash):
        broken.setattr(*where[effect], crash)
        asyncio.run(resume_export(services, client, TENANT, job.code, "me"))
    run_watchdog(services, client, times=20)
    resumed = effect in {"audit", "start"}
    assert stored(services, job).status is (JobStatus.QUEUED if resumed else JobStatus.CANCELLED)
    assert [instance for _, instance, _ in client.started][1:] == ([f"{job.code}-2"] if resumed else [])
    assert watched_attempts(services) == ([(job.code, 2)] if resumed else [])


def test_storage_that_fails_for_good_between_storing_and_starting_does_not_leave_the_job_queued(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, client = a_system()

    def refuse(*_: Any) -> None:
        raise PermissionError

    with monkeypatch.context() as broken:
        broken.setattr(services.audit, "append", refuse)
        with pytest.raises(PermissionError):
            start(services, client)
    (job,) = services.jobs.all()
    assert job.status is JobStatus.QUEUED
    run_watchdog(services, client, times=2)
    assert [instance for _, instance, _ in client.started] == [f"{job.code}-1"]


def test_an_attempt_that_somebody_is_about_to_store_stays_watched() -> None:
    services, client = a_system()
    job = make_job(TENANT, two_columns(), new_job_code(services.now()), services.now())
    services.watch.watch(watched(job.ref, services.now()))
    run_watchdog(services, client, times=10)
    assert watched_attempts(services) == [(job.code, 1)]
    run_watchdog(services, client, minutes=MAX_WRITE_TIME.total_seconds() / 60)
    assert watched_attempts(services) == []


def test_an_attempt_that_is_watched_anew_just_when_it_is_given_up_stays_watched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, client = a_system()
    job = make_job(TENANT, two_columns(), new_job_code(services.now()), services.now())
    services.watch.watch(watched(job.ref, services.now()))
    unwatch = services.watch.unwatch

    def after_another_watched_it(entry: Any) -> None:
        services.watch.watch(watched(job.ref, services.now()))
        unwatch(entry)

    monkeypatch.setattr(services.watch, "unwatch", after_another_watched_it)
    run_watchdog(services, client, minutes=60)
    assert watched_attempts(services) == [(job.code, 1)]


# --- dead orchestrations ---


@pytest.mark.parametrize("status", DEAD)
def test_a_job_whose_orchestration_is_dead_goes_on_in_another_attempt(status: Status) -> None:
    services, client = a_system()
    job = a_watched_job(services, client, status)
    run_watchdog(services, client, times=3)
    now = stored(services, job)
    assert (now.attempt, now.retries, now.status) == (2, 1, JobStatus.IN_PROGRESS)
    assert [instance for _, instance, _ in client.started] == [f"{job.code}-1", f"{job.code}-2"]
    assert watched_attempts(services) == [(job.code, 2)]
    finish(services, now)
    assert stored(services, job).status is JobStatus.COMPLETED
    assert watched_attempts(services) == []


def test_a_queued_job_whose_orchestration_died_before_it_began_goes_on_too() -> None:
    services, client = a_system()
    job = start(services, client)
    client.statuses[job.ref.instance_id] = Status.Terminated
    run_watchdog(services, client, times=3)
    assert (stored(services, job).attempt, stored(services, job).status) == (2, JobStatus.QUEUED)


def test_a_job_whose_orchestrations_all_die_is_failed_and_says_why_and_can_be_resumed() -> None:
    services, client = a_system()
    job = a_watched_job(services, client, Status.Failed)
    for _ in range(20):
        run_watchdog(services, client)
        client.statuses = dict.fromkeys(client.statuses, Status.Failed)
    now = stored(services, job)
    assert (now.status, now.attempt) == (JobStatus.FAILED, 1 + MAX_RETRIES)
    assert now.failure is not None
    assert (now.failure.code, now.failure.retryable, now.is_resumable) == ("interrupted", True, True)
    assert now.completed_date is not None
    assert watched_attempts(services) == []
    resumed = asyncio.run(resume_export(services, client, TENANT, job.code, "me"))
    finish(services, resumed)
    assert stored(services, job).status is JobStatus.COMPLETED


def test_progress_does_not_fall_when_another_attempt_takes_over() -> None:
    services, client = a_system()
    job = a_watched_job(services, client, starts=("C0003", "C0005"))
    write_page(services, WritePage(job=job.ref, page=0))
    write_page(services, WritePage(job=job.ref, page=2))
    before = get_export(services, TENANT, job.code)
    client.statuses[job.ref.instance_id] = Status.Failed
    run_watchdog(services, client, times=3)
    after = get_export(services, TENANT, job.code)
    assert stored(services, job).attempt == 2
    assert (after.processed_items, after.total_items) == (before.processed_items, before.total_items) == (3, 5)


def test_an_attempt_that_another_one_has_taken_over_from_can_no_longer_write() -> None:
    services, client = a_system()
    job = a_watched_job(services, client, Status.Failed)
    run_watchdog(services, client, times=3)
    assert plan_pages(services, PlanPages(job=job.ref, target_bytes=10_000)).kind == "Stopped"
    assert write_page(services, WritePage(job=job.ref, page=0)).kind == "Stopped"


@pytest.mark.parametrize("effect", ["watch", "change", "start", "unwatch"])
def test_a_crash_before_any_effect_of_a_retry_is_made_good(monkeypatch: pytest.MonkeyPatch, effect: str) -> None:
    services, client = a_system()
    job = a_watched_job(services, client, Status.Failed)
    where: dict[str, tuple[object, str]] = {
        "watch": (services.watch, "watch"),
        "change": (services.jobs, "change"),
        "start": (client, "start_new"),
        "unwatch": (services.watch, "unwatch"),
    }
    with monkeypatch.context() as broken:
        broken.setattr(*where[effect], crash)
        with suppress(Crash):
            run_watchdog(services, client, times=2)
    run_watchdog(services, client, times=20)
    assert stored(services, job).attempt == 2
    assert [instance for _, instance, _ in client.started] == [f"{job.code}-1", f"{job.code}-2"]
    assert watched_attempts(services) == [(job.code, 2)]


# --- stalls ---


@pytest.mark.parametrize("status", ALIVE)
def test_a_job_that_stands_still_too_long_is_stopped_and_goes_on_in_another_attempt(status: Status) -> None:
    services, client = a_system()
    job = a_watched_job(services, client, status)
    run_watchdog(services, client, times=29)
    assert stored(services, job).attempt == 1
    run_watchdog(services, client, times=3)
    assert (stored(services, job).attempt, stored(services, job).status) == (2, JobStatus.IN_PROGRESS)
    assert client.statuses[f"{job.code}-1"] is Status.Terminated
    assert [instance for _, instance, _ in client.started] == [f"{job.code}-1", f"{job.code}-2"]


def test_a_page_now_and_then_is_progress() -> None:
    services, client = a_system()
    job = a_watched_job(services, client, starts=("C0003", "C0005"))
    for page in range(3):
        run_watchdog(services, client, times=25)
        write_page(services, WritePage(job=job.ref, page=page))
    assert stored(services, job).attempt == 1


def test_an_orchestration_that_pauses_between_tries_and_goes_on_is_not_still() -> None:
    services, client = a_system()
    job = a_watched_job(services, client)
    for _ in range(10):
        run_watchdog(services, client, times=20)
        client.moved = services.now()
    assert stored(services, job).attempt == 1


def test_a_job_that_stands_still_in_every_attempt_is_failed_within_a_bounded_time() -> None:
    services, client = a_system()
    job = a_watched_job(services, client)
    begun = services.now()
    while stored(services, job).status is JobStatus.IN_PROGRESS:
        run_watchdog(services, client)
        assert (services.now() - begun).total_seconds() < (MAX_RETRIES + 1) * 33 * 60
    now = stored(services, job)
    assert now.failure is not None
    assert (now.failure.code, now.is_resumable) == ("stalled", True)
    assert set(client.statuses.values()) == {Status.Terminated}
    assert watched_attempts(services) == []


def test_a_job_that_can_never_be_started_is_failed_in_the_end() -> None:
    services, client = a_system()
    job = start(services, client)
    for _ in range((MAX_RETRIES + 1) * 33):
        client.statuses.clear()
        run_watchdog(services, client)
    now = stored(services, job)
    assert now.status is JobStatus.FAILED
    assert now.failure is not None
    assert now.failure.code == "interrupted"
