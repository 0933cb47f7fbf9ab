"""A job whose snapshot was lost begins again, a limited number of times."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from exports.errors import StorageUnavailableError
from exports.jobs.failures import SNAPSHOT_LOST
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.jobs.watchdog import MAX_RETRIES
from exports.request.consistency import Consistency
from exports.steps.finalize.discard_file import discard_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.requests.cancel_export import cancel_export
from exports.steps.requests.resume_export import resume_export
from exports.steps.snapshots.begin_snapshot_again import begin_snapshot_again
from exports.steps.snapshots.export_snapshot import export_snapshot
from exports.triggers.activities import run_job_step, run_starting_step, run_step
from exports.workflow.commands import BeginSnapshotAgain, DiscardFile, ExportSnapshot, RecordOutcome
from exports.workflow.outcomes import Rejected, Stopped
from tests.support.fake_durable import MemoryOrchestrationClient
from tests.support.fakes import MemoryServices, a_services
from tests.support.orchestrators import run
from tests.support.steps import some_clients, stored, two_columns
from tests.support.whole_jobs import Crash, a_watched_job, crash


def a_job_of(services: MemoryServices, **changes: Any) -> Job:
    return a_watched_job(services, spec=two_columns(consistency=Consistency.SNAPSHOT), **changes)


def begin_again(services: MemoryServices, starter: MemoryOrchestrationClient, job: Job) -> Any:
    return asyncio.run(begin_snapshot_again(services, starter, BeginSnapshotAgain(job=job.ref)))


def test_the_next_attempt_is_stored_watched_and_started() -> None:
    services, starter = a_services(), MemoryOrchestrationClient()
    job = a_job_of(services)

    assert begin_again(services, starter, job) == Stopped()

    assert (stored(services, job).attempt, stored(services, job).retries) == (2, 1)
    assert [entry.attempt for entry in services.watch.watched(10)] == [2]
    ((name, instance, payload),) = starter.started
    assert (name, instance, payload["snapshot"]) == ("export_job", f"{job.code}-2", True)


def test_beginning_again_twice_starts_one_attempt() -> None:
    services, starter = a_services(), MemoryOrchestrationClient()
    job = a_job_of(services)
    assert [begin_again(services, starter, job) for _ in range(3)] == [Stopped()] * 3
    assert stored(services, job).attempt == 2
    assert len(starter.started) == 1


def test_a_cancelled_job_does_not_begin_again() -> None:
    services, starter = a_services(), MemoryOrchestrationClient()
    job = a_job_of(services)
    cancel_export(services, job.tenant, job.code, "caller")
    assert begin_again(services, starter, job) == Stopped()
    assert starter.started == []


def test_the_last_attempt_is_not_followed_by_another() -> None:
    services, starter = a_services(), MemoryOrchestrationClient()
    job = a_job_of(services, retries=MAX_RETRIES)
    assert begin_again(services, starter, job) == Rejected(failure=SNAPSHOT_LOST)
    assert starter.started == []


def run_all(services: MemoryServices, starter: MemoryOrchestrationClient) -> list[str]:
    """Run every orchestration that was started to its end. Return the names of the steps."""
    names: list[str] = []

    def answer(name: str, payload: Any) -> Any:
        names.append(name)
        if name == "begin_snapshot_again":
            step = run_starting_step(lambda: services, starter, begin_snapshot_again, BeginSnapshotAgain, payload)
            return asyncio.run(step)
        if name == "export_snapshot":
            try:
                return run_job_step(lambda: services, export_snapshot, ExportSnapshot, payload)
            except Crash:
                raise OSError("the worker died") from None
        command, step_of = {
            "record_outcome": (RecordOutcome, record_outcome),
            "discard_file": (DiscardFile, discard_file),
        }[name]
        return run_step(lambda: services, step_of, command, payload)  # type: ignore[arg-type]

    done = 0
    while done < len(starter.started):
        name, instance, payload = starter.started[done]
        run(name, payload, answer, instance or "")
        done += 1
    return names


def start(services: MemoryServices, starter: MemoryOrchestrationClient, job: Job) -> None:
    from exports.steps.orchestrations import start_orchestration

    asyncio.run(start_orchestration(services, starter, job))


@pytest.mark.parametrize("crashes", [0, 1, MAX_RETRIES])
def test_a_job_whose_worker_dies_is_completed_by_a_later_attempt(crashes: int) -> None:
    services, starter = a_services(some_clients(5)), MemoryOrchestrationClient()
    job = a_job_of(services)
    left = [crashes]

    def die() -> None:
        if left[0]:
            left[0] -= 1
            crash()

    services.clients.after_read = die
    start(services, starter, job)
    names = run_all(services, starter)

    assert stored(services, job).status is JobStatus.COMPLETED
    assert names.count("begin_snapshot_again") == crashes
    assert services.clients.snapshots == crashes + 1
    assert services.watch.watched(10) == []


def test_a_job_whose_workers_always_die_fails_and_can_be_resumed() -> None:
    services, starter = a_services(some_clients(5)), MemoryOrchestrationClient()
    job = a_job_of(services)
    services.clients.after_read = crash
    start(services, starter, job)
    run_all(services, starter)

    failed = stored(services, job)
    assert (failed.status, failed.failure) == (JobStatus.FAILED, SNAPSHOT_LOST)
    assert services.clients.snapshots == MAX_RETRIES + 1

    services.clients.after_read = lambda: None
    asyncio.run(resume_export(services, starter, job.tenant, job.code, "caller"))
    run_all(services, starter)
    assert stored(services, job).status is JobStatus.COMPLETED


def test_an_error_that_passes_costs_one_attempt() -> None:
    services, starter = a_services(some_clients(5)), MemoryOrchestrationClient()
    job = a_job_of(services)
    stage, calls = services.files.stage, [0]

    def fail_once(*arguments: Any, **named: Any) -> None:
        calls[0] += 1
        if calls[0] == 1:
            raise StorageUnavailableError("No answer.")
        stage(*arguments, **named)

    services.files.stage = fail_once  # type: ignore[method-assign]
    start(services, starter, job)
    names = run_all(services, starter)

    assert stored(services, job).status is JobStatus.COMPLETED
    assert names.count("export_snapshot") == 3  # failed, found it lost, and the second attempt


def test_an_unexpected_error_in_two_attempts_fails_the_job_with_an_incident_number() -> None:
    services, starter = a_services(some_clients(5)), MemoryOrchestrationClient()
    job = a_job_of(services)

    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    services.files.stage = fail  # type: ignore[method-assign]
    start(services, starter, job)
    names = run_all(services, starter)

    failed = stored(services, job)
    assert failed.failure is not None
    assert (failed.status, failed.failure.code, failed.attempt) == (JobStatus.FAILED, "internal", 2)
    assert names.count("export_snapshot") == 2


def test_a_resumed_job_gets_a_second_try_after_an_unexpected_error() -> None:
    services, starter = a_services(some_clients(5)), MemoryOrchestrationClient()
    job = a_job_of(services)
    services.clients.after_read = crash
    start(services, starter, job)
    run_all(services, starter)
    services.clients.after_read = lambda: None
    stage, calls = services.files.stage, [0]

    def fail_once(*arguments: Any, **named: Any) -> None:
        calls[0] += 1
        if calls[0] == 1:
            raise ZeroDivisionError
        stage(*arguments, **named)

    services.files.stage = fail_once  # type: ignore[method-assign]
    asyncio.run(resume_export(services, starter, job.tenant, job.code, "caller"))
    run_all(services, starter)

    assert stored(services, job).status is JobStatus.COMPLETED
    assert calls[0] > 1
