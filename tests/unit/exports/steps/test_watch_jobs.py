"""The watchdog: whatever a job has come to, it goes on or ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from exports.errors import StorageUnavailableError
from exports.job_codes import new_job_code
from exports.jobs import Job
from exports.page_plan import PagePlan
from exports.payloads import EXPORT_JOB, WEBHOOK_DELIVERY, Done, PlanPages, RecordOutcome, WritePage
from exports.requests import NotifyDto
from exports.states import JobStatus
from exports.steps.cancel_export import cancel_export
from exports.steps.commit_file import commit_file
from exports.steps.get_export import get_export
from exports.steps.plan_pages import plan_pages
from exports.steps.record_outcome import record_outcome
from exports.steps.resume_export import resume_export
from exports.steps.start_export import NotStartedError, make_job, start_export
from exports.steps.watch_jobs import watch_jobs
from exports.steps.write_page import write_page
from exports.watching import MOST_RETRIES, WRITING_TIME, watched
from tests.support.fake_durable import MemoryKeeper
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, some_clients, stored, two_columns, write_pages

DEAD = [Status.Completed, Status.Failed, Status.Terminated, Status.Canceled]
ALIVE = [Status.Pending, Status.Running, Status.ContinuedAsNew, Status.Suspended]


class Crash(BaseException):
    """The process ends here."""


def crash(*_: Any) -> None:
    raise Crash


def a_system() -> tuple[MemoryServices, MemoryKeeper]:
    return a_services(some_clients(5), EXPORT_RETRY_TRIES=2), MemoryKeeper()


def start(services: MemoryServices, keeper: MemoryKeeper) -> Job:
    job = make_job(TENANT, two_columns(), new_job_code(services.now()), services.now())
    with suppress(Crash):
        asyncio.run(start_export(services, keeper, job, "me"))
    return job


def look(services: MemoryServices, keeper: MemoryKeeper, times: int = 1, minutes: float = 1) -> None:
    """Let time pass and the watchdog look, so many times."""
    for _ in range(times):
        services.now.advance(minutes=minutes)
        asyncio.run(watch_jobs(services, keeper))


def under_way(services: MemoryServices, keeper: MemoryKeeper, status: Status = Status.Running) -> Job:
    job = start(services, keeper)
    keeper.statuses[job.ref.instance_id] = status
    plan_pages(services, PlanPages(job=job.ref, target_bytes=10_000))
    return stored(services, job)


def finish(services: MemoryServices, job: Job) -> None:
    """Run the steps of the job's attempt to its end."""
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=10_000))
    order = write_pages(services, job, getattr(planned, "pages", 0))
    assert commit_file(services, order) == Done()
    assert record_outcome(services, RecordOutcome(job=job.ref, rows=order.rows, bytes=order.bytes)) == Done()


def entries(services: MemoryServices) -> list[tuple[str, int]]:
    return [(entry.code, entry.attempt) for entry in services.watch.watched(100)]


# --- lost starts ---


def test_a_job_whose_start_was_lost_is_started_once_after_the_grace() -> None:
    services, keeper = a_system()
    keeper.before_start = crash
    job = start(services, keeper)
    keeper.before_start = lambda: None
    assert (keeper.started, stored(services, job).status) == ([], JobStatus.QUEUED)

    look(services, keeper, minutes=0.9)
    assert keeper.started == []
    look(services, keeper, times=5)

    assert [(name, instance) for name, instance, _ in keeper.started] == [(EXPORT_JOB, f"{job.code}-1")]
    finish(services, job)
    assert stored(services, job).status is JobStatus.COMPLETED


def test_what_is_started_again_is_what_would_have_been_started() -> None:
    services, keeper = a_system()
    start(services, keeper)
    keeper.statuses.clear()
    look(services, keeper, times=2)
    first, second = keeper.started
    assert first == second


def test_a_start_that_cannot_be_made_now_is_made_later() -> None:
    services, keeper = a_system()
    keeper.before_start = crash
    job = start(services, keeper)

    def refuse() -> None:
        raise ConnectionError

    keeper.before_start = refuse
    look(services, keeper, times=3)
    keeper.before_start = lambda: None
    look(services, keeper)
    assert [instance for _, instance, _ in keeper.started] == [f"{job.code}-1"]


@pytest.mark.parametrize("effect", ["watch", "create", "audit", "start"])
def test_a_crash_before_any_effect_of_a_start_leaves_nothing_or_a_job_that_runs(
    monkeypatch: pytest.MonkeyPatch, effect: str
) -> None:
    services, keeper = a_system()
    where: dict[str, tuple[object, str]] = {
        "watch": (services.watch, "watch"),
        "create": (services.jobs, "create"),
        "audit": (services.audit, "append"),
        "start": (keeper, "start_new"),
    }
    with monkeypatch.context() as broken:
        broken.setattr(*where[effect], crash)
        start(services, keeper)
    look(services, keeper, times=20)
    jobs = services.jobs.all()
    assert len(jobs) == (effect in {"audit", "start"})
    assert [instance for _, instance, _ in keeper.started] == [f"{job.code}-1" for job in jobs]
    assert len(entries(services)) == len(jobs)


@pytest.mark.parametrize("effect", ["watch", "change", "audit", "start"])
def test_a_crash_before_any_effect_of_a_resume_leaves_the_job_as_it_was_or_running(
    monkeypatch: pytest.MonkeyPatch, effect: str
) -> None:
    services, keeper = a_system()
    job = start(services, keeper)
    cancel_export(services, TENANT, job.code, "me")
    where: dict[str, tuple[object, str]] = {
        "watch": (services.watch, "watch"),
        "change": (services.jobs, "change"),
        "audit": (services.audit, "append"),
        "start": (keeper, "start_new"),
    }
    with monkeypatch.context() as broken, suppress(Crash):
        broken.setattr(*where[effect], crash)
        asyncio.run(resume_export(services, keeper, TENANT, job.code, "me"))
    look(services, keeper, times=20)
    resumed = effect in {"audit", "start"}
    assert stored(services, job).status is (JobStatus.QUEUED if resumed else JobStatus.CANCELLED)
    assert [instance for _, instance, _ in keeper.started][1:] == ([f"{job.code}-2"] if resumed else [])
    assert entries(services) == ([(job.code, 2)] if resumed else [])


def test_storage_that_fails_for_good_between_storing_and_starting_does_not_leave_the_job_queued(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, keeper = a_system()

    def refuse(*_: Any) -> None:
        raise PermissionError

    with monkeypatch.context() as broken:
        broken.setattr(services.audit, "append", refuse)
        with pytest.raises(PermissionError):
            start(services, keeper)
    (job,) = services.jobs.all()
    assert job.status is JobStatus.QUEUED
    look(services, keeper, times=2)
    assert [instance for _, instance, _ in keeper.started] == [f"{job.code}-1"]


def test_an_attempt_that_somebody_is_about_to_store_stays_watched() -> None:
    services, keeper = a_system()
    job = make_job(TENANT, two_columns(), new_job_code(services.now()), services.now())
    services.watch.watch(watched(job.ref, services.now()))
    look(services, keeper, times=10)
    assert entries(services) == [(job.code, 1)]
    look(services, keeper, minutes=WRITING_TIME.total_seconds() / 60)
    assert entries(services) == []


def test_an_attempt_that_is_watched_anew_just_when_it_is_given_up_stays_watched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, keeper = a_system()
    job = make_job(TENANT, two_columns(), new_job_code(services.now()), services.now())
    services.watch.watch(watched(job.ref, services.now()))
    unwatch = services.watch.unwatch

    def after_another_watched_it(entry: Any) -> None:
        services.watch.watch(watched(job.ref, services.now()))
        unwatch(entry)

    monkeypatch.setattr(services.watch, "unwatch", after_another_watched_it)
    look(services, keeper, minutes=60)
    assert entries(services) == [(job.code, 1)]


# --- dead orchestrations ---


@pytest.mark.parametrize("status", DEAD)
def test_a_job_whose_orchestration_is_dead_goes_on_in_another_attempt(status: Status) -> None:
    services, keeper = a_system()
    job = under_way(services, keeper, status)
    look(services, keeper, times=3)
    now = stored(services, job)
    assert (now.attempt, now.retries, now.status) == (2, 1, JobStatus.IN_PROGRESS)
    assert [instance for _, instance, _ in keeper.started] == [f"{job.code}-1", f"{job.code}-2"]
    assert entries(services) == [(job.code, 2)]
    finish(services, now)
    assert stored(services, job).status is JobStatus.COMPLETED
    assert entries(services) == []


def test_a_queued_job_whose_orchestration_died_before_it_began_goes_on_too() -> None:
    services, keeper = a_system()
    job = start(services, keeper)
    keeper.statuses[job.ref.instance_id] = Status.Terminated
    look(services, keeper, times=3)
    assert (stored(services, job).attempt, stored(services, job).status) == (2, JobStatus.QUEUED)


def test_a_job_whose_orchestrations_all_die_is_failed_and_says_why_and_can_be_resumed() -> None:
    services, keeper = a_system()
    job = under_way(services, keeper, Status.Failed)
    for _ in range(20):
        look(services, keeper)
        keeper.statuses = dict.fromkeys(keeper.statuses, Status.Failed)
    now = stored(services, job)
    assert (now.status, now.attempt) == (JobStatus.FAILED, 1 + MOST_RETRIES)
    assert now.failure is not None
    assert (now.failure.code, now.failure.retryable, now.is_resumable) == ("interrupted", True, True)
    assert now.completed_date is not None
    assert entries(services) == []
    resumed = asyncio.run(resume_export(services, keeper, TENANT, job.code, "me"))
    finish(services, resumed)
    assert stored(services, job).status is JobStatus.COMPLETED


def test_progress_does_not_fall_when_another_attempt_takes_over() -> None:
    services, keeper = a_system()
    job = under_way(services, keeper)
    plan = PagePlan(spec=job.spec, total_rows=5, starts=("C0003", "C0005"))
    services.files._plans[TENANT, job.code] = plan.model_dump_json(by_alias=True).encode()
    write_page(services, WritePage(job=job.ref, page=0))
    write_page(services, WritePage(job=job.ref, page=2))
    before = get_export(services, TENANT, job.code)
    keeper.statuses[job.ref.instance_id] = Status.Failed
    look(services, keeper, times=3)
    after = get_export(services, TENANT, job.code)
    assert stored(services, job).attempt == 2
    assert (after.processed_items, after.total_items) == (before.processed_items, before.total_items) == (3, 5)


def test_an_attempt_that_another_one_has_taken_over_from_can_no_longer_write() -> None:
    services, keeper = a_system()
    job = under_way(services, keeper, Status.Failed)
    look(services, keeper, times=3)
    assert plan_pages(services, PlanPages(job=job.ref, target_bytes=10_000)).kind == "Stopped"
    assert write_page(services, WritePage(job=job.ref, page=0)).kind == "Stopped"


@pytest.mark.parametrize("effect", ["watch", "change", "start", "unwatch"])
def test_a_crash_before_any_effect_of_a_retry_is_made_good(monkeypatch: pytest.MonkeyPatch, effect: str) -> None:
    services, keeper = a_system()
    job = under_way(services, keeper, Status.Failed)
    where: dict[str, tuple[object, str]] = {
        "watch": (services.watch, "watch"),
        "change": (services.jobs, "change"),
        "start": (keeper, "start_new"),
        "unwatch": (services.watch, "unwatch"),
    }
    with monkeypatch.context() as broken:
        broken.setattr(*where[effect], crash)
        with suppress(Crash):
            look(services, keeper, times=2)
    look(services, keeper, times=20)
    assert stored(services, job).attempt == 2
    assert [instance for _, instance, _ in keeper.started] == [f"{job.code}-1", f"{job.code}-2"]
    assert entries(services) == [(job.code, 2)]


# --- stalls ---


@pytest.mark.parametrize("status", ALIVE)
def test_a_job_that_stands_still_too_long_is_stopped_and_goes_on_in_another_attempt(status: Status) -> None:
    services, keeper = a_system()
    job = under_way(services, keeper, status)
    look(services, keeper, times=29)
    assert stored(services, job).attempt == 1
    look(services, keeper, times=3)
    assert (stored(services, job).attempt, stored(services, job).status) == (2, JobStatus.IN_PROGRESS)
    assert keeper.statuses[f"{job.code}-1"] is Status.Terminated
    assert [instance for _, instance, _ in keeper.started] == [f"{job.code}-1", f"{job.code}-2"]


def test_a_page_now_and_then_is_progress() -> None:
    services, keeper = a_system()
    job = under_way(services, keeper)
    for page in range(3):
        plan = PagePlan(spec=job.spec, total_rows=5, starts=("C0003", "C0005"))
        services.files._plans[TENANT, job.code] = plan.model_dump_json(by_alias=True).encode()
        look(services, keeper, times=25)
        write_page(services, WritePage(job=job.ref, page=page))
    assert stored(services, job).attempt == 1


def test_an_orchestration_that_pauses_between_tries_and_goes_on_is_not_still() -> None:
    services, keeper = a_system()
    job = under_way(services, keeper)
    for _ in range(10):
        look(services, keeper, times=20)
        keeper.moved = services.now()
    assert stored(services, job).attempt == 1


def test_a_job_that_stands_still_in_every_attempt_is_failed_within_a_bounded_time() -> None:
    services, keeper = a_system()
    job = under_way(services, keeper)
    begun = services.now()
    while stored(services, job).status is JobStatus.IN_PROGRESS:
        look(services, keeper)
        assert (services.now() - begun).total_seconds() < (MOST_RETRIES + 1) * 33 * 60
    now = stored(services, job)
    assert now.failure is not None
    assert (now.failure.code, now.is_resumable) == ("stalled", True)
    assert set(keeper.statuses.values()) == {Status.Terminated}
    assert entries(services) == []


def test_a_job_that_can_never_be_started_is_failed_in_the_end() -> None:
    services, keeper = a_system()
    job = start(services, keeper)
    for _ in range((MOST_RETRIES + 1) * 33):
        keeper.statuses.clear()
        look(services, keeper)
    now = stored(services, job)
    assert now.status is JobStatus.FAILED
    assert now.failure is not None
    assert now.failure.code == "interrupted"


# --- jobs that have ended ---


def _complete(services: MemoryServices, job: Job) -> None:
    finish(services, job)


def _cancel(services: MemoryServices, job: Job) -> None:
    cancel_export(services, TENANT, job.code, "me")


@pytest.mark.parametrize("end", [_complete, _cancel])
def test_a_job_that_ends_is_watched_no_longer(end: Callable[[MemoryServices, Job], None]) -> None:
    services, keeper = a_system()
    job = under_way(services, keeper)
    end(services, job)
    assert entries(services) == []


def test_a_job_that_could_not_be_started_is_watched_no_longer() -> None:
    services, keeper = a_system()

    def refuse() -> None:
        raise ConnectionError

    keeper.before_start = refuse
    with pytest.raises(NotStartedError):
        start(services, keeper)
    assert entries(services) == []
    assert services.watch.active() == {}


def test_what_a_crash_after_the_end_left_is_removed_at_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    services, keeper = a_system()
    job = under_way(services, keeper)
    write_page(services, WritePage(job=job.ref, page=0))
    with monkeypatch.context() as broken, suppress(Crash):
        broken.setattr(services.files, "look", crash)
        cancel_export(services, TENANT, job.code, "me")
    assert services.files.staged(job.file_path)
    look(services, keeper)
    assert services.files.staged(job.file_path) == {}
    assert entries(services) == []


def test_a_job_that_ends_and_is_resumed_at_the_same_time_stays_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    services, keeper = a_system()
    job = under_way(services, keeper)
    unwatch = services.watch.unwatch

    def after_a_resume(entry: Any) -> None:
        monkeypatch.undo()
        asyncio.run(resume_export(services, keeper, TENANT, job.code, "me"))
        unwatch(entry)

    monkeypatch.setattr(services.watch, "unwatch", after_a_resume)
    cancel_export(services, TENANT, job.code, "me")
    assert entries(services) == [(job.code, 2)]


# --- two watchdogs, and many jobs ---


@pytest.mark.parametrize("status", [None, Status.Failed, Status.Running])
def test_two_watchdogs_at_once_begin_one_attempt(status: Status | None) -> None:
    services, keeper = a_system()
    job = under_way(services, keeper)
    if status is None:
        keeper.statuses.clear()
    else:
        keeper.statuses[job.ref.instance_id] = status
    started = len(keeper.started)
    look(services, keeper, times=33 if status is Status.Running else 1)
    before = stored(services, job)
    services.now.advance(minutes=1)

    async def twice() -> None:
        await asyncio.gather(watch_jobs(services, keeper), watch_jobs(services, keeper))

    asyncio.run(twice())
    look(services, keeper)
    assert len(keeper.started) == started + 1
    assert stored(services, job).attempt <= max(2, before.attempt)
    assert len(entries(services)) == 1


def test_a_job_that_cannot_be_looked_at_keeps_the_watchdog_from_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    services, keeper = a_system()
    keeper.before_start = crash
    jobs = [start(services, keeper) for _ in range(5)]
    keeper.before_start = lambda: None
    get = services.jobs.get

    def fail_for_the_first(tenant: str, code: str) -> Job | None:
        if code == jobs[0].code:
            raise StorageUnavailableError("No answer.")
        return get(tenant, code)

    monkeypatch.setattr(services.jobs, "get", fail_for_the_first)
    look(services, keeper, times=2)
    assert {instance for _, instance, _ in keeper.started} == {f"{job.code}-1" for job in jobs[1:]}


def test_more_jobs_than_are_listed_at_once_are_all_looked_at() -> None:
    services, keeper = a_system()
    keeper.before_start = crash
    jobs = [start(services, keeper) for _ in range(7)]
    keeper.before_start = lambda: None
    services.now.advance(minutes=2)
    asyncio.run(watch_jobs(services, keeper, limit=3))
    assert {instance for _, instance, _ in keeper.started} == {f"{job.code}-1" for job in jobs}


def test_a_retried_job_has_no_retry_more_than_its_row_says() -> None:
    services, keeper = a_system()
    job = under_way(services, keeper, Status.Failed)
    services.jobs.change(TENANT, job.code, lambda job: replace(job, retries=MOST_RETRIES))
    look(services, keeper, times=3)
    assert stored(services, job).status is JobStatus.FAILED


def _notified(keeper: MemoryKeeper) -> list[str | None]:
    return [instance for name, instance, _ in keeper.started if name == WEBHOOK_DELIVERY]


def test_whoever_wants_to_know_is_told_that_the_watchdog_failed_the_job() -> None:
    services, keeper = a_system()
    job = under_way(services, keeper, Status.Failed)
    notify = NotifyDto.model_validate({"webhookUrl": "https://hooks.example/end"})
    services.jobs.change(TENANT, job.code, lambda job: replace(job, retries=MOST_RETRIES, notify=notify))
    look(services, keeper, times=3)
    assert _notified(keeper) == [f"{job.code}-1-webhook"]


def test_whoever_wants_to_know_is_told_of_an_end_after_which_the_process_died(monkeypatch: pytest.MonkeyPatch) -> None:
    services, keeper = a_system()
    job = under_way(services, keeper)
    notify = NotifyDto.model_validate({"webhookUrl": "https://hooks.example/end"})
    services.jobs.change(TENANT, job.code, lambda job: replace(job, notify=notify))
    with monkeypatch.context() as broken, suppress(Crash):
        broken.setattr(services.files, "look", crash)
        cancel_export(services, TENANT, job.code, "me")
    look(services, keeper, times=3)
    assert _notified(keeper) == [f"{job.code}-1-webhook"]


def test_a_job_that_the_watchdog_fails_has_no_file_though_one_was_published() -> None:
    services, keeper = a_system()
    job = under_way(services, keeper, Status.Failed)
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=10_000))
    commit_file(services, write_pages(services, job, getattr(planned, "pages", 0)))
    services.jobs.change(TENANT, job.code, lambda job: replace(job, retries=MOST_RETRIES))
    look(services, keeper, times=3)
    assert stored(services, job).status is JobStatus.FAILED
    assert services.files.read(job.file_path) is None
    finish(services, asyncio.run(resume_export(services, keeper, TENANT, job.code, "me")))
    assert stored(services, job).status is JobStatus.COMPLETED
