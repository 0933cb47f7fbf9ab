"""Starting a job: it is stored before it is started, a slot starts once, and a failed start is reported."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest

from exports.jobs.codes import new_job_code, slot_job_code
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.orchestrations import NotStartedError, start_orchestration
from exports.steps.requests.make_job import make_job
from exports.steps.requests.start_export import start_export
from exports.steps.requests.wait_for_end import wait_for_end
from exports.workflow.commands import RecordOutcome
from tests.support.builders import NOON
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_planned_job, cancel, stored, two_columns


def _start(services: MemoryServices, starter: RecordingStarter) -> Job:
    now = services.now()
    job = asyncio.run(start_export(services, starter, make_job(TENANT, two_columns(), new_job_code(now), now), "me"))
    assert job is not None
    return job


def _start_slot(services: MemoryServices, starter: RecordingStarter, **changes: Any) -> Job | None:
    return asyncio.run(start_export(services, starter, _slot_job(services, **changes), "schedule:nightly"))


def _slot_job(services: MemoryServices, tenant: str = TENANT, schedule: str = "nightly", slot: datetime = NOON) -> Job:
    return make_job(tenant, two_columns(), slot_job_code(f"{tenant}/{schedule}", slot), services.now())


def _wait(services: MemoryServices, job: Job, seconds: float) -> Job:
    return asyncio.run(wait_for_end(services, job, seconds))


def _refuse() -> None:
    raise ConnectionError("secret.host.example")


# --- start_export ---


def test_a_started_job_is_stored_as_queued() -> None:
    services = a_services()
    job = _start(services, RecordingStarter())
    assert services.jobs.all() == [job]
    assert (job.tenant, job.status, job.created_date) == (TENANT, JobStatus.QUEUED, NOON)


def test_the_file_is_named_after_the_tenant_and_the_creation_time() -> None:
    assert _start(a_services(), RecordingStarter()).file_name == "clients-tenant-20260131-120000.csv"


def test_the_orchestration_receives_the_job_reference_and_the_configured_limits() -> None:
    services, starter = a_services(EXPORT_WAVE_PAGES=3), RecordingStarter()
    job = _start(services, starter)
    ((name, instance, payload),) = starter.started
    assert (name, instance) == ("export_job", f"{job.code}-1")
    assert payload["job"] == {"tenant": TENANT, "code": job.code, "attempt": 1}
    assert payload["limits"]["wavePages"] == 3


def test_only_the_first_attempt_of_a_job_may_be_exported_in_one_step() -> None:
    services, starter = a_services(), RecordingStarter()
    first = a_planned_job(services)
    for job in (first, first.retry()):
        asyncio.run(start_orchestration(services, starter, job))
    assert [payload.get("smallAtOnce") for _, _, payload in starter.started] == [True, None]


def test_a_job_is_stored_before_it_is_started() -> None:
    services, starter = a_services(), RecordingStarter()
    seen: list[list[Job]] = []
    starter.before_start = lambda: seen.append(services.jobs.all())
    job = _start(services, starter)
    assert seen == [[job]]


def test_every_start_creates_its_own_job() -> None:
    services, starter = a_services(), RecordingStarter()
    assert _start(services, starter).code != _start(services, starter).code
    assert len(services.jobs.all()) == 2


def test_a_job_that_cannot_be_started_fails_without_revealing_the_cause() -> None:
    services, starter = a_services(), RecordingStarter()
    starter.before_start = _refuse
    with pytest.raises(NotStartedError, match=r"^The export could not be started\.$"):
        _start(services, starter)
    (job,) = services.jobs.all()
    assert job.status is JobStatus.FAILED
    assert job.failure is not None
    assert (job.failure.code, job.failure.retryable) == ("not-started", True)
    assert "secret" not in job.failure.message


class LosingStarter(RecordingStarter):
    """Starts the orchestration, but the response is lost."""

    async def start_new(self, *arguments: Any, **named: Any) -> str:
        await super().start_new(*arguments, **named)
        raise OSError("connection reset")


def test_a_start_whose_response_was_lost_still_counts() -> None:
    services, starter = a_services(), LosingStarter()
    job = _start(services, starter)
    assert stored(services, job).status is JobStatus.QUEUED
    assert len(starter.started) == 1


# --- slots of a schedule ---


def test_starting_a_slot_repeatedly_creates_one_job() -> None:
    services, starter = a_services(), RecordingStarter()
    first = _start_slot(services, starter)
    services.now.advance(seconds=30)
    assert _start_slot(services, starter) is None
    assert services.jobs.all() == [first]
    assert len(starter.started) == 1


def test_starting_a_slot_on_several_hosts_at_once_creates_one_job() -> None:
    services, starters = a_services(), [RecordingStarter() for _ in range(8)]

    async def start_all() -> list[Job | None]:
        slots = (start_export(services, starter, _slot_job(services), "schedule:nightly") for starter in starters)
        return await asyncio.gather(*slots)

    jobs = asyncio.run(start_all())
    assert [job for job in jobs if job] == services.jobs.all()
    assert sum(len(starter.started) for starter in starters) == 1


@pytest.mark.parametrize("other", [{"slot": NOON + timedelta(days=1)}, {"schedule": "weekly"}, {"tenant": "other"}])
def test_another_slot_schedule_or_tenant_gets_its_own_job(other: dict[str, Any]) -> None:
    services, starter = a_services(), RecordingStarter()
    _start_slot(services, starter)
    assert _start_slot(services, starter, **other) is not None
    assert len({instance for _, instance, _ in starter.started}) == 2


def test_a_slot_whose_job_could_not_be_started_is_not_started_again() -> None:
    services, starter = a_services(), RecordingStarter()
    starter.before_start = _refuse
    with pytest.raises(NotStartedError):
        _start_slot(services, starter)
    starter.before_start = lambda: None
    assert _start_slot(services, starter) is None
    assert [job.status for job in services.jobs.all()] == [JobStatus.FAILED]


# --- wait_for_end ---


def test_waiting_for_a_job_that_has_ended_returns_at_once() -> None:
    services = a_services()
    job = a_planned_job(services)
    cancel(services, job)
    ended = stored(services, job)
    assert _wait(services, ended, 60) is ended


def test_waiting_ends_soon_after_the_job_does(monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services()
    job = a_planned_job(services)
    was_read, get = threading.Event(), services.jobs.get

    def read(tenant: str, code: str) -> Job | None:
        found = get(tenant, code)
        was_read.set()
        return found

    async def end_meanwhile() -> Job:
        waiting = asyncio.create_task(wait_for_end(services, job, 60))
        await asyncio.to_thread(was_read.wait, 30)
        record_outcome(services, RecordOutcome(job=job.ref, rows=0, bytes=0))
        return await asyncio.wait_for(waiting, 30)

    monkeypatch.setattr(services.jobs, "get", read)

    assert asyncio.run(end_meanwhile()) == stored(services, job)
    assert stored(services, job).status is JobStatus.COMPLETED


def test_a_wait_that_times_out_returns_the_job_as_last_read() -> None:
    services = a_services()
    job = a_planned_job(services)
    record = services.jobs.change(job.tenant, job.code, lambda job: job.settle(1, 2))
    assert _wait(services, job, 0.05) == record


def test_an_ended_wait_tells_the_next_one_when_to_read_first() -> None:
    services = a_services()
    job = a_planned_job(services)

    async def end_meanwhile() -> None:
        waiting = asyncio.create_task(wait_for_end(services, job, 60))
        await asyncio.sleep(0.25)
        services.now.advance(seconds=0.2)  # a little less than the wait
        record_outcome(services, RecordOutcome(job=job.ref, rows=0, bytes=0))
        await waiting

    asyncio.run(end_meanwhile())
    assert services.waits.first_pause_seconds() > 0.15


def test_a_wait_that_times_out_says_nothing_about_how_long_jobs_take() -> None:
    services = a_services()
    before = services.waits.first_pause_seconds()
    _wait(services, a_planned_job(services), 0.2)
    assert services.waits.first_pause_seconds() == before


def test_a_wait_of_zero_seconds_does_not_read_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services()
    job = a_planned_job(services)
    monkeypatch.setattr(services.jobs, "get", None)
    assert _wait(services, job, 0) is job
