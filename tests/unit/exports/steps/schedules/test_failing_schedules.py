"""When a slot cannot start its job, its run records the reason and the schedule continues."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from exports.errors import StorageUnavailableError
from exports.jobs.states import JobStatus
from exports.request.fields import SENSITIVE_FIELDS
from exports.schedules.runs import RunOutcome
from tests.support.builders import NOON, a_job, a_mapping, a_schedule
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import a_services
from tests.support.schedule_runs import (
    SLOT,
    end_job,
    fire_timer,
    only_job,
    run_outcomes,
    services_at_slot,
    stored_schedule,
)

DAY = timedelta(days=1)
NI_NUMBER = {"columnMappings": [{"csvHeader": "NI", "targetField": "NiNumber"}]}


def fail() -> None:
    raise StorageUnavailableError("Table Storage did not answer.")


def test_a_deleted_mapping_fails_the_run_but_the_schedule_continues() -> None:
    services, schedule = services_at_slot(request={"mappingCode": "f" * 20})
    fire_timer(services)
    assert services.jobs.all() == []
    assert run_outcomes(services, schedule) == [(RunOutcome.FAILED, "There is no mapping with this code.")]
    state = stored_schedule(services, schedule.ref).state
    assert (state.starting, state.open, state.last_job_code, state.next_slot) == (False, False, None, SLOT + DAY)
    services.mappings.create(a_mapping(tenant=schedule.tenant, code="f" * 20))
    services.now.moment = SLOT + DAY
    fire_timer(services)
    assert only_job(services).code == schedule.job_code(SLOT + DAY)


def test_a_run_beyond_the_daily_quota_fails_and_says_why() -> None:
    schedule = a_schedule()
    services = a_services(EXPORT_MAX_JOBS_PER_DAY=1)
    services.schedules.create(schedule)
    services.schedules.create(a_schedule(tenant=schedule.tenant, code="f" * 20))
    services.now.moment = SLOT
    fire_timer(services)
    assert len(services.jobs.all()) == 1
    refs = [schedule.ref, replace(schedule, code="f" * 20).ref]
    runs = [run for ref in refs for run in services.runs.list(ref, 10)]
    assert sorted(run.outcome for run in runs) == [RunOutcome.FAILED, RunOutcome.STARTED]
    assert [run.reason for run in runs if run.reason] == [
        "This tenant has started or resumed 1 exports today, the most it may. Try again tomorrow."
    ]


def test_a_slot_waits_until_the_limit_of_active_exports_lets_it_start() -> None:
    schedule, other = a_schedule(), a_schedule()
    services = a_services(EXPORT_MAX_ACTIVE_JOBS=1)
    for each in (schedule, replace(other, tenant=schedule.tenant)):
        services.schedules.create(each)
    services.now.moment = SLOT
    fire_timer(services)
    first = only_job(services)
    for _ in range(58):
        services.now.advance(minutes=1)
        fire_timer(services)
    assert only_job(services) == first
    late = next(each for each in services.schedules.all(schedule.tenant) if each.code != first.schedule_code)
    assert run_outcomes(services, late) == []
    end_job(services, first, "Cancelled")
    services.now.advance(minutes=1)
    fire_timer(services)
    assert len(services.jobs.all()) == 2


def test_a_slot_that_has_waited_for_an_hour_fails() -> None:
    services, schedule = a_services(EXPORT_MAX_ACTIVE_JOBS=1), a_schedule()
    services.schedules.create(schedule)
    running = a_job(tenant=schedule.tenant, created_date=NOON, status=JobStatus.IN_PROGRESS)
    services.jobs.create(running)
    services.now.moment = SLOT + timedelta(hours=5)  # a late slot also waits for a full hour
    for _ in range(59):
        fire_timer(services)
        services.now.advance(minutes=1)
    assert run_outcomes(services, schedule) == []
    for _ in range(3):
        fire_timer(services)
        services.now.advance(minutes=1)
    ((outcome, reason),) = run_outcomes(services, schedule)
    assert outcome == RunOutcome.FAILED
    assert "Active exports of this tenant: 1" in (reason or "")
    assert services.jobs.all() == [running]


def test_a_schedule_that_is_paused_while_its_slot_waits_for_the_quota_starts_nothing() -> None:
    services, schedule = a_services(EXPORT_MAX_ACTIVE_JOBS=1), a_schedule()
    services.schedules.create(schedule)
    running = a_job(tenant=schedule.tenant, created_date=NOON, status=JobStatus.IN_PROGRESS)
    services.jobs.create(running)
    services.now.moment = SLOT
    fire_timer(services)
    paused = schedule.content.model_copy(update={"enabled": False})
    services.schedules.change(schedule.tenant, schedule.code, lambda found: found.update(paused, SLOT))
    end_job(services, running, "Failed")
    for _ in range(3):
        services.now.advance(minutes=20)
        fire_timer(services)
    assert only_job(services).code == running.code
    assert run_outcomes(services, schedule) == [
        (RunOutcome.SKIPPED, "The schedule was paused before the export started.")
    ]


def test_a_run_whose_job_cannot_be_started_fails_and_names_the_job() -> None:
    services, schedule = services_at_slot()
    refusing = RecordingStarter()
    refusing.before_start = fail
    fire_timer(services, refusing)
    job = only_job(services)
    (run,) = services.runs.list(schedule.ref, 10)
    assert (run.outcome, run.reason, run.job_code) == (RunOutcome.FAILED, "The export could not be started.", job.code)
    assert job.status is JobStatus.FAILED


@pytest.mark.parametrize(("allowed", "omitted"), [(False, SENSITIVE_FIELDS), (True, frozenset())])
def test_a_run_exports_only_fields_that_the_schedules_author_may_read(allowed: bool, omitted: frozenset[Any]) -> None:
    services, _ = services_at_slot(sensitive_fields=allowed)
    fire_timer(services)
    assert set(only_job(services).spec.omitted_fields) == omitted


def test_a_run_fails_if_the_schedules_author_may_not_read_a_requested_field() -> None:
    services, schedule = services_at_slot(request=NI_NUMBER)
    fire_timer(services)
    assert services.jobs.all() == []
    ((outcome, reason),) = run_outcomes(services, schedule)
    assert outcome == RunOutcome.FAILED
    assert "NiNumber" in (reason or "")
