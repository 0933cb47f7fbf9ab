"""The end of a job is written once, and never replaces another end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exports.errors import StorageUnavailableError
from exports.jobs.failures import INTERRUPTED, Failure
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.steps.finalize.publish_file import publish_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.workflow.commands import CommitFile, RecordOutcome
from exports.workflow.outcomes import Done, Stopped
from tests.support.builders import NOON, a_job
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import a_planned_job, a_stored_job, cancel, some_clients, stored, take_over, write_pages


def _committed() -> tuple[MemoryServices, Job, RecordOutcome]:
    """Make a job whose file is published, and the command that completes the job."""
    services = a_services(some_clients(5), EXPORT_KEEP_HOURS=2)
    job = a_planned_job(services)
    command: CommitFile = write_pages(services, job)
    publish_file(services, command)
    return services, job, RecordOutcome(job=job.ref, rows=command.rows, bytes=command.bytes)


def test_a_completed_job_shows_the_size_of_its_file_and_when_it_expires() -> None:
    services, job, command = _committed()
    ended = services.now.advance(minutes=3)
    assert record_outcome(services, command) == Done()
    now = stored(services, job)
    assert (now.status, now.total_items, now.settled_items) == (JobStatus.COMPLETED, 5, 5)
    assert now.file_bytes == services.files.size_bytes(job.file_path) == command.bytes
    assert (now.completed_date, now.expiry_date) == (ended, ended + timedelta(hours=2))


def test_the_total_becomes_the_number_of_verified_clients() -> None:
    services, job, command = _committed()
    record_outcome(services, command.model_copy(update={"rows": 6}))
    assert stored(services, job).total_items == 6


def test_a_failed_job_shows_its_failure() -> None:
    services = a_services()
    job = a_planned_job(services)
    assert record_outcome(services, RecordOutcome(job=job.ref, failure=INTERRUPTED)) == Done()
    now = stored(services, job)
    assert (now.status, now.failure, now.completed_date) == (JobStatus.FAILED, INTERRUPTED, NOON)


@pytest.mark.parametrize(
    ("page", "named"),
    [
        (0, "Page 0 (clients up to, not including, C0003; of 3 pages, counted from 0) could not be written. "),
        (1, "Page 1 (clients from C0003 up to, not including, C0005; of 3 pages, counted from 0) could not be "),
        (2, "Page 2 (clients from C0005; of 3 pages, counted from 0) could not be written. The export was interrupted"),
    ],
)
def test_a_job_failed_by_a_page_names_the_page_and_its_key_range(page: int, named: str) -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    record_outcome(services, RecordOutcome(job=job.ref, failure=INTERRUPTED, page=page))
    failure = stored(services, job).failure
    assert failure is not None
    assert failure.message.startswith(named)
    assert failure.message.endswith(INTERRUPTED.message)
    assert failure.model_copy(update={"message": INTERRUPTED.message}) == INTERRUPTED


def test_a_job_without_a_plan_can_fail() -> None:
    services = a_services()
    job = a_stored_job(services)  # has no plan
    assert record_outcome(services, RecordOutcome(job=job.ref, failure=INTERRUPTED, page=0)) == Done()
    assert (stored(services, job).status, stored(services, job).failure) == (JobStatus.FAILED, INTERRUPTED)


def test_a_job_that_never_began_can_fail() -> None:
    services = a_services()
    job = a_stored_job(services)
    assert record_outcome(services, RecordOutcome(job=job.ref, failure=INTERRUPTED)) == Done()
    assert stored(services, job).status is JobStatus.FAILED


def test_a_repeated_end_changes_nothing() -> None:
    services, job, command = _committed()
    record_outcome(services, command)
    before = stored(services, job)
    services.now.advance(hours=1)
    assert record_outcome(services, command) == Stopped()
    assert stored(services, job) == before
    assert services.files.size_bytes(job.file_path) == command.bytes


def test_a_completed_job_can_no_longer_fail() -> None:
    services, job, command = _committed()
    record_outcome(services, command)
    assert record_outcome(services, RecordOutcome(job=job.ref, failure=INTERRUPTED)) == Stopped()
    assert stored(services, job).status is JobStatus.COMPLETED
    assert services.files.size_bytes(job.file_path) == command.bytes


def test_a_job_cancelled_after_publishing_stays_cancelled_and_loses_the_file() -> None:
    services, job, command = _committed()
    cancel(services, job)
    assert record_outcome(services, command) == Stopped()
    assert stored(services, job).status is JobStatus.CANCELLED
    assert services.files.size_bytes(job.file_path) is None


def test_a_job_cancelled_while_its_end_is_written_loses_the_file() -> None:
    services, job, command = _committed()

    def cancel_once() -> None:
        services.jobs.before_write = lambda: None
        cancel(services, job)

    services.jobs.before_write = cancel_once
    assert record_outcome(services, command) == Stopped()
    assert stored(services, job).status is JobStatus.CANCELLED
    assert services.files.size_bytes(job.file_path) is None


@pytest.mark.parametrize("failure", [None, INTERRUPTED], ids=["completed", "failed"])
def test_a_job_cancelled_while_its_pages_were_written_keeps_their_blocks(failure: Failure | None) -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    command = write_pages(services, job)
    cancel(services, job)
    outcome = RecordOutcome(job=job.ref, rows=command.rows, bytes=command.bytes, failure=failure)
    staged = services.files.staged(job.file_path)
    assert record_outcome(services, outcome) == Stopped()
    assert services.files.staged(job.file_path) == staged != {}


def test_an_earlier_attempt_keeps_the_file_of_a_later_cancelled_one() -> None:
    services, job, command = _committed()
    take_over(services, job)
    cancel(services, job)
    assert record_outcome(services, command) == Stopped()
    assert services.files.size_bytes(job.file_path) == command.bytes


def test_a_repeated_step_removes_the_file_of_a_cancelled_job_after_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, job, command = _committed()
    cancel(services, job)

    def fail(_path: str, _version: str | None) -> None:
        raise StorageUnavailableError("No answer.")

    with monkeypatch.context() as broken:
        broken.setattr(services.files, "discard", fail)
        with pytest.raises(StorageUnavailableError):
            record_outcome(services, command)
    record_outcome(services, command)
    assert services.files.size_bytes(job.file_path) is None


def test_an_earlier_attempt_neither_ends_the_job_nor_removes_its_file() -> None:
    services, job, command = _committed()
    take_over(services, job)
    before = stored(services, job)
    assert record_outcome(services, command) == Stopped()
    assert stored(services, job) == before
    assert services.files.size_bytes(job.file_path) == command.bytes


def test_an_unknown_job_is_stopped() -> None:
    assert record_outcome(a_services(), RecordOutcome(job=a_job().ref, rows=1, bytes=1)) == Stopped()
