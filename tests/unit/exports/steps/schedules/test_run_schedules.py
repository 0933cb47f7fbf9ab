"""The timer starts exactly one job for every slot, even after crashes. A broken schedule stops no other schedule."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from exports.errors import StorageUnavailableError
from exports.jobs.audit import AuditAction
from exports.jobs.states import JobStatus
from exports.schedules.runs import RunOutcome
from exports.steps.schedules.run_schedules import run_schedule, run_schedules
from exports.steps.schedules.save_schedules import delete_schedule
from tests.support.builders import a_schedule
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import MemoryServices, a_services
from tests.support.schedule_runs import (
    SLOT,
    end_job,
    fire_timer,
    only_job,
    run_outcomes,
    services_at_slot,
    stored_schedule,
)
from tests.support.steps import stored

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Died(BaseException):
    """The process ends here. Not an `Exception`, so no error handling catches it."""


def die() -> None:
    raise Died


def fail() -> None:
    raise StorageUnavailableError("Table Storage did not answer.")


def die_at_second_write(services: MemoryServices) -> None:
    """Let the process end when it writes the schedule again, after it has started the job."""

    def first() -> None:
        services.schedules.before_write = die

    services.schedules.before_write = first


def test_a_due_slot_starts_its_job() -> None:
    services, schedule = services_at_slot(request={"filter": {"statuses": ["Active"]}})
    starter = RecordingStarter()
    fire_timer(services, starter)
    job = only_job(services)
    assert (job.tenant, job.code, job.schedule_code) == (schedule.tenant, schedule.job_code(SLOT), schedule.code)
    assert job.spec.filter.statuses == ("Active",)
    assert [instance for _, instance, _ in starter.started] == [job.ref.instance_id]
    state = stored_schedule(services, schedule.ref).state
    assert (state.last_job_code, state.last_run_date, state.next_slot) == (job.code, SLOT, SLOT + DAY)
    (run,) = services.runs.list(schedule.ref, 10)
    assert (run.outcome, run.slot, run.job_code, run.reason) == (RunOutcome.STARTED, SLOT, job.code, None)
    (entry,) = services.audit.all
    assert (entry.action, entry.actor, entry.code) == (AuditAction.STARTED, f"schedule:{schedule.code}", job.code)


def test_disabled_schedules_and_future_slots_are_left_alone() -> None:
    services, schedule = services_at_slot(enabled=False)
    later = a_schedule(cron="0 15 * * *")
    services.schedules.create(later)
    fire_timer(services)
    assert services.jobs.all() == []
    assert stored_schedule(services, schedule.ref) == schedule
    assert stored_schedule(services, later.ref) == later


def test_a_timer_that_fires_again_or_late_starts_no_second_job() -> None:
    services, schedule = services_at_slot()
    for seconds in (0, 0, 20, 70, 3600):
        services.now.moment = SLOT + timedelta(seconds=seconds)
        fire_timer(services)
    assert only_job(services).code == schedule.job_code(SLOT)


@pytest.mark.parametrize("hosts", [2, 5])
def test_timers_that_fire_at_once_start_one_job(hosts: int) -> None:
    services, schedule = services_at_slot()
    starter = RecordingStarter()

    async def fire_all() -> None:
        await asyncio.gather(*(run_schedules(services, starter) for _ in range(hosts)))

    asyncio.run(fire_all())
    assert only_job(services).status is JobStatus.QUEUED
    assert len(starter.started) == 1
    assert run_outcomes(services, schedule) == [(RunOutcome.STARTED, None)]


def test_a_timer_leaves_a_slot_to_the_timer_that_is_already_starting_it() -> None:
    services, schedule = services_at_slot()
    first, second = RecordingStarter(), RecordingStarter()
    first.before_start = lambda: fire_on_another_host(services, second)
    fire_timer(services, first)
    assert (len(first.started), second.started) == (1, [])
    assert run_outcomes(services, schedule) == [(RunOutcome.STARTED, None)]


def test_a_delayed_timer_does_not_undo_the_work_of_later_timers() -> None:
    services, schedule = services_at_slot()
    delayed, others = RecordingStarter(), RecordingStarter()

    def a_day_passes() -> None:
        end_job(services, only_job(services), "Cancelled")
        fire_on_another_host(services, others)
        services.now.moment = SLOT + DAY
        fire_on_another_host(services, others)

    delayed.before_start = a_day_passes
    fire_timer(services, delayed)
    state = stored_schedule(services, schedule.ref).state
    assert (state.slot, state.last_job_code) == (SLOT + DAY, schedule.job_code(SLOT + DAY))
    assert len(services.jobs.all()) == 2


def fire_on_another_host(services: MemoryServices, starter: RecordingStarter) -> None:
    """The timer fires on another host and runs the schedule."""
    (schedule,) = services.schedules.all(services.jobs.all()[0].tenant)
    other = Thread(target=lambda: asyncio.run(run_schedule(services, starter, schedule.ref)))
    other.start()
    other.join()


# --- crashes ---


def _points(services: MemoryServices, starter: RecordingStarter) -> dict[str, tuple[Any, str]]:
    """Return the points at which a process may end: for each, an object and the name of its hook."""
    return {
        "the decision is written": (services.schedules, "before_write"),
        "the start is audited": (services.audit, "before_append"),
        "the orchestration is started": (starter, "before_start"),
    }


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("point", _points(a_services(), RecordingStarter()))
def test_after_a_timer_dies_later_timers_start_exactly_one_job(point: str, times: int) -> None:
    services, schedule = services_at_slot()
    starter = RecordingStarter()
    holder, hook = _points(services, starter)[point]
    alive = getattr(holder, hook)
    for _ in range(times):
        setattr(holder, hook, die)
        with pytest.raises(Died):
            fire_timer(services, starter)
        services.now.advance(seconds=61)
    setattr(holder, hook, alive)
    for _ in range(3):
        fire_timer(services, starter)
        services.now.advance(seconds=61)
    job = only_job(services)
    assert {instance for _, instance, _ in starter.started} == {job.ref.instance_id}
    assert stored_schedule(services, schedule.ref).state.last_job_code == job.code
    assert run_outcomes(services, schedule) == [(RunOutcome.STARTED, None)]
    assert {entry.code for entry in services.audit.all} == {job.code}


def test_the_next_timer_records_a_job_whose_timer_died_before_recording_it() -> None:
    services, schedule = services_at_slot()
    die_at_second_write(services)
    starter = RecordingStarter()
    with pytest.raises(Died):
        fire_timer(services, starter)
    assert stored_schedule(services, schedule.ref).state.last_job_code is None
    services.schedules.before_write = lambda: None
    end_job(services, only_job(services), "Completed")
    services.now.advance(seconds=61)
    fire_timer(services, starter)
    assert stored_schedule(services, schedule.ref).state.last_job_code == only_job(services).code
    assert len(starter.started) == 1


def test_trying_to_start_a_running_job_again_does_not_harm_it() -> None:
    services, _ = services_at_slot()
    die_at_second_write(services)
    with pytest.raises(Died):
        fire_timer(services)
    services.schedules.before_write = lambda: None
    services.now.advance(seconds=61)
    refusing = RecordingStarter()
    refusing.before_start = fail  # Durable Functions refuses a second orchestration with the same id
    fire_timer(services, refusing)
    assert only_job(services).status is JobStatus.QUEUED


def test_a_storage_outage_delays_a_slot_but_does_not_lose_it() -> None:
    services, schedule = services_at_slot()
    services.schedules.before_write = fail
    fire_timer(services)
    services.schedules.before_write = lambda: None
    services.now.advance(minutes=1)
    fire_timer(services)
    assert only_job(services).code == schedule.job_code(SLOT)


# --- many schedules ---


def test_a_broken_schedule_is_postponed_and_stops_no_other() -> None:
    services, bad = services_at_slot()
    good = [a_schedule() for _ in range(20)]
    for schedule in good:
        services.schedules.create(schedule)
    services.schedules.broken.add(bad.ref)
    fire_timer(services)
    assert {job.tenant for job in services.jobs.all()} == {schedule.tenant for schedule in good}
    assert bad.ref not in services.schedules.due(services.now())
    services.schedules.broken.clear()
    services.now.advance(minutes=15)
    fire_timer(services)
    assert bad.tenant in {job.tenant for job in services.jobs.all()}


def test_a_time_zone_that_no_longer_exists_stops_only_its_own_schedule() -> None:
    services, schedule = services_at_slot()
    services.schedules.change(
        schedule.tenant,
        schedule.code,
        lambda found: replace(found, content=found.content.model_copy(update={"time_zone": "Europe/Gone"})),
    )
    other = a_schedule()
    services.schedules.create(other)
    fire_timer(services)
    assert only_job(services).tenant == other.tenant


def test_a_timer_out_of_time_leaves_the_remaining_schedules_to_the_next() -> None:
    services, _ = services_at_slot()
    for _ in range(19):
        services.schedules.create(a_schedule())
    for minute, jobs in enumerate((8, 16, 20, 20)):
        services.now.moment = SLOT + timedelta(seconds=minute)
        asyncio.run(run_schedules(services, RecordingStarter(), seconds=0))
        assert len(services.jobs.all()) == jobs


# --- overlapping jobs, and changes during a start ---


def test_a_slot_is_skipped_only_while_the_previous_job_runs() -> None:
    services, schedule = services_at_slot()
    fire_timer(services)
    first = only_job(services)
    services.now.moment = SLOT + DAY
    fire_timer(services)
    assert only_job(services) == first
    end_job(services, first, "Cancelled")
    services.now.moment = SLOT + 2 * DAY
    fire_timer(services)
    assert len(services.jobs.all()) == 2
    assert [outcome for outcome, _ in run_outcomes(services, schedule)] == ["Started", "Skipped", "Started"]


def test_a_waiting_slot_starts_once_the_previous_job_has_ended() -> None:
    services, schedule = services_at_slot(overlap="queue")
    fire_timer(services)
    services.now.moment = SLOT + DAY
    fire_timer(services)
    assert len(services.jobs.all()) == 1
    end_job(services, only_job(services), "Failed")
    services.now.advance(minutes=1)
    fire_timer(services)
    assert {job.code for job in services.jobs.all()} == {schedule.job_code(SLOT), schedule.job_code(SLOT + DAY)}


def test_deleting_a_schedule_while_its_job_starts_also_deletes_its_runs() -> None:
    services, schedule = services_at_slot()
    starter = RecordingStarter()
    starter.before_start = lambda: delete_schedule(services, schedule.tenant, schedule.code, "key", lambda _: None)
    fire_timer(services, starter)
    assert services.schedules.get(schedule.tenant, schedule.code) is None
    assert services.runs.list(schedule.ref, 10) == []
    assert stored(services, only_job(services)).status is JobStatus.QUEUED


def test_a_change_made_while_a_slot_starts_is_kept_and_the_start_recorded() -> None:
    services, schedule = services_at_slot()
    starter = RecordingStarter()

    def rename() -> None:
        content = schedule.content.model_copy(update={"name": "Renamed"})
        services.schedules.change(schedule.tenant, schedule.code, lambda found: found.update(content, services.now()))

    starter.before_start = rename
    fire_timer(services, starter)
    now = stored_schedule(services, schedule.ref)
    assert (now.content.name, now.state.last_job_code) == ("Renamed", only_job(services).code)


def test_old_runs_are_deleted() -> None:
    services, schedule = services_at_slot()
    for day in range(100):
        services.now.moment = SLOT + day * DAY
        fire_timer(services)
        for job in services.jobs.all():
            if not job.status.is_terminal:
                end_job(services, job, "Cancelled")
    runs = services.runs.list(schedule.ref, 200)
    assert [run.slot for run in (runs[0], runs[-1])] == [SLOT + 99 * DAY, SLOT + 9 * DAY]
