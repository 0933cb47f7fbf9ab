"""The watchdog restarts, retries or fails every job that is stuck."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from exports.jobs.audit import AuditAction
from exports.jobs.codes import new_job_code
from exports.jobs.quota import Quota
from exports.jobs.states import JobStatus
from exports.jobs.watchdog import MAX_RETRIES, MAX_WRITE_TIME, watched
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.steps.requests.cancel_export import cancel_export
from exports.steps.requests.make_job import make_job
from exports.steps.requests.resume_export import resume_export
from exports.workflow.commands import PlanPages, WritePage
from exports.workflow.names import EXPORT_JOB
from tests.support.fakes import MemoryServices
from tests.support.steps import READER, TENANT, get_export, stored, two_columns
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


def _audited(services: MemoryServices, action: AuditAction) -> list[tuple[str, str]]:
    return [(entry.code, entry.actor) for entry in services.audit.all if entry.action is action]


# --- lost starts ---


def test_a_job_whose_start_was_lost_is_started_once_after_the_grace_period() -> None:
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


def test_a_lost_orchestration_is_started_again_with_the_same_input() -> None:
    services, client = a_system()
    start(services, client)
    client.statuses.clear()
    run_watchdog(services, client, times=2)
    first, second = client.started
    assert first == second


def test_a_start_that_fails_is_retried_by_later_runs() -> None:
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
def test_a_crash_before_any_effect_of_a_start_leaves_no_job_or_a_running_one(
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
    assert _audited(services, AuditAction.STARTED)[-1:] == [(job.code, "watchdog") for job in jobs]
    assert [instance for _, instance, _ in client.started] == [f"{job.code}-1" for job in jobs]
    assert len(watched_attempts(services)) == len(jobs)


@pytest.mark.parametrize("effect", ["watch", "change", "audit", "start"])
def test_a_crash_before_any_effect_of_a_resume_leaves_the_job_ended_or_running(
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
    assert _audited(services, AuditAction.RESUMED)[-1:] == ([(job.code, "watchdog")] if resumed else [])


def test_a_job_whose_audit_entry_is_refused_is_started_by_the_watchdog(
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


def test_an_attempt_that_is_not_stored_yet_stays_watched() -> None:
    services, client = a_system()
    job = make_job(TENANT, two_columns(), new_job_code(services.now()), services.now())
    services.watch.watch(watched(job.ref, services.now()))
    run_watchdog(services, client, times=10)
    assert watched_attempts(services) == [(job.code, 1)]
    run_watchdog(services, client, times=5)
    assert watched_attempts(services) == []


@pytest.mark.parametrize("hours_behind", [1, -1], ids=["behind", "ahead"])
def test_an_attempt_is_watched_as_long_if_the_clock_of_its_writer_differs(hours_behind: float) -> None:
    services, client = a_system()
    job = make_job(TENANT, two_columns(), new_job_code(services.now()), services.now())
    services.watch.watch(watched(job.ref, services.now() - timedelta(hours=hours_behind)))
    minutes = int(MAX_WRITE_TIME.total_seconds() / 60)
    run_watchdog(services, client, times=minutes)
    assert watched_attempts(services) == [(job.code, 1)]
    run_watchdog(services, client, times=2)
    assert watched_attempts(services) == []


def test_an_attempt_watched_again_just_before_it_is_given_up_stays_watched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, client = a_system()
    job = make_job(TENANT, two_columns(), new_job_code(services.now()), services.now())
    services.watch.watch(watched(job.ref, services.now()))
    unwatch = services.watch.unwatch

    def unwatch_after_another_watch(entry: Any) -> None:
        services.watch.watch(watched(job.ref, services.now()))
        unwatch(entry)

    monkeypatch.setattr(services.watch, "unwatch", unwatch_after_another_watch)
    run_watchdog(services, client, times=15)
    assert watched_attempts(services) == [(job.code, 1)]


# --- dead orchestrations ---


@pytest.mark.parametrize("status", DEAD)
def test_a_job_whose_orchestration_is_dead_gets_a_new_attempt(status: Status) -> None:
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


def test_a_queued_job_whose_orchestration_is_dead_gets_a_new_attempt() -> None:
    services, client = a_system()
    job = start(services, client)
    client.statuses[job.ref.instance_id] = Status.Terminated
    run_watchdog(services, client, times=3)
    assert (stored(services, job).attempt, stored(services, job).status) == (2, JobStatus.QUEUED)


def test_a_job_whose_orchestrations_all_die_fails_with_a_reason_and_is_resumable() -> None:
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


def test_progress_does_not_fall_when_a_new_attempt_takes_over() -> None:
    services, client = a_system()
    job = a_watched_job(services, client, starts=("C0003", "C0005"))
    write_page(services, WritePage(job=job.ref, page=0))
    write_page(services, WritePage(job=job.ref, page=2))
    before = get_export(services, TENANT, job.code, READER)
    client.statuses[job.ref.instance_id] = Status.Failed
    run_watchdog(services, client, times=3)
    after = get_export(services, TENANT, job.code, READER)
    assert stored(services, job).attempt == 2
    assert (after.processed_items, after.total_items) == (before.processed_items, before.total_items) == (3, 5)


def test_an_attempt_that_was_replaced_can_no_longer_write() -> None:
    services, client = a_system()
    job = a_watched_job(services, client, Status.Failed)
    run_watchdog(services, client, times=3)
    assert plan_pages(services, PlanPages(job=job.ref, target_bytes=10_000)).kind == "Stopped"
    assert write_page(services, WritePage(job=job.ref, page=0)).kind == "Stopped"


@pytest.mark.parametrize("effect", ["watch", "change", "start", "unwatch"])
def test_after_a_crash_before_any_effect_of_a_retry_there_is_one_new_attempt(
    monkeypatch: pytest.MonkeyPatch, effect: str
) -> None:
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


def test_an_attempt_that_the_watchdog_begins_uses_up_no_quota() -> None:
    services, client = a_system()
    job = a_watched_job(services, client, Status.Failed)
    run_watchdog(services, client)
    assert stored(services, job).attempt == 2
    services.jobs.require_room(TENANT, Quota(active=2, per_day=2), services.now())


# --- stalls ---


@pytest.mark.parametrize("status", ALIVE)
def test_a_stalled_job_is_terminated_and_gets_a_new_attempt(status: Status) -> None:
    services, client = a_system()
    job = a_watched_job(services, client, status)
    run_watchdog(services, client, times=29)
    assert stored(services, job).attempt == 1
    run_watchdog(services, client, times=3)
    assert (stored(services, job).attempt, stored(services, job).status) == (2, JobStatus.IN_PROGRESS)
    assert client.statuses[f"{job.code}-1"] is Status.Terminated
    assert [instance for _, instance, _ in client.started] == [f"{job.code}-1", f"{job.code}-2"]


def test_an_occasional_page_counts_as_progress() -> None:
    services, client = a_system()
    job = a_watched_job(services, client, starts=("C0003", "C0005"))
    for page in range(3):
        run_watchdog(services, client, times=25)
        write_page(services, WritePage(job=job.ref, page=page))
    assert stored(services, job).attempt == 1


def test_an_orchestration_that_pauses_between_tries_is_not_stalled() -> None:
    services, client = a_system()
    job = a_watched_job(services, client)
    for _ in range(10):
        run_watchdog(services, client, times=20)
        client.moved = services.now()
    assert stored(services, job).attempt == 1


def test_a_job_that_stalls_in_every_attempt_fails_within_a_bounded_time() -> None:
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


def test_a_job_that_can_never_be_started_fails_in_the_end() -> None:
    services, client = a_system()
    job = start(services, client)
    for _ in range((MAX_RETRIES + 1) * 33):
        client.statuses.clear()
        run_watchdog(services, client)
    now = stored(services, job)
    assert now.status is JobStatus.FAILED
    assert now.failure is not None
    assert now.failure.code == "interrupted"
