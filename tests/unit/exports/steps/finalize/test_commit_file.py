"""The commit ends the job with its file: once, and never over another end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from exports.errors import StorageUnavailableError
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.jobs.watchdog import watched
from exports.steps.finalize.commit_file import commit_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.workflow.commands import CommitFile, RecordOutcome
from exports.workflow.outcomes import Done, PagesLost, Stopped
from tests.support.builders import a_job
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import a_planned_job, cancel, some_clients, stored, take_over, write_pages


class Crash(BaseException):
    """The process ends here."""


def _written() -> tuple[MemoryServices, Job, CommitFile]:
    """A job under way whose pages are all written."""
    services = a_services(some_clients(5), EXPORT_KEEP_HOURS=2)
    job = a_planned_job(services)
    services.watch.watch(watched(job.ref, services.now()))
    return services, job, write_pages(services, job)


def _record(services: MemoryServices, command: CommitFile) -> object:
    return record_outcome(services, RecordOutcome(job=command.job, rows=command.rows, bytes=command.bytes))


def _is_remembered(services: MemoryServices, job: Job) -> bool:
    return [due.code for due in services.watch.due(services.now() + timedelta(hours=2), 10)] == [job.code]


def test_a_committed_job_is_completed_tells_what_the_file_holds_and_is_watched_no_longer() -> None:
    services, job, command = _written()
    ended = services.now.advance(minutes=3)
    assert commit_file(services, command) == Done(ended=True)
    now = stored(services, job)
    assert (now.status, now.total_items, now.settled_items) == (JobStatus.COMPLETED, 5, 5)
    assert now.file_bytes == services.files.size_bytes(job.file_path) == command.bytes
    assert (now.completed_date, now.expiry_date) == (ended, ended + timedelta(hours=2))
    assert services.watch.watched(10) == []
    assert _is_remembered(services, job)


def test_the_total_becomes_what_was_proven() -> None:
    services, job, command = _written()
    services.jobs.change(job.tenant, job.code, lambda job: job.plan(7))
    commit_file(services, command)
    assert stored(services, job).total_items == 5


def test_a_commit_that_runs_again_changes_nothing_and_says_the_same() -> None:
    services, job, command = _written()
    commit_file(services, command)
    before = stored(services, job)
    services.now.advance(minutes=1)
    assert commit_file(services, command) == Done(ended=True)
    assert (stored(services, job), services.files.commits) == (before, 1)


@pytest.mark.parametrize("place", ["add_due", "unwatch"])
def test_a_commit_that_dies_after_it_has_ended_the_job_ends_the_watch_when_it_runs_again(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    services, job, command = _written()

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(services.watch, place, crash)
        with pytest.raises(Crash):
            commit_file(services, command)
    assert stored(services, job).status is JobStatus.COMPLETED
    assert [entry.ref for entry in services.watch.watched(10)] == [job.ref]
    assert commit_file(services, command) == Done(ended=True)
    assert services.watch.watched(10) == []
    assert _is_remembered(services, job)


@pytest.mark.parametrize("interrupt", [cancel, take_over])
@pytest.mark.parametrize("moment", ["commit", "end"])
def test_a_job_that_was_interrupted_once_its_file_was_on_the_way_is_not_completed(
    interrupt: Callable[[MemoryServices, Job], None], moment: str
) -> None:
    services, job, command = _written()

    def meanwhile() -> None:
        services.files.before_commit = services.jobs.before_write = lambda: None
        interrupt(services, job)

    if moment == "commit":
        services.files.before_commit = meanwhile
    else:
        services.jobs.before_write = meanwhile
    assert commit_file(services, command) == Done(ended=False)
    before = stored(services, job)
    assert before.status is not JobStatus.COMPLETED
    assert _record(services, command) == Stopped()
    assert stored(services, job) == before
    assert (services.files.read(job.file_path) is None) == (before.status is JobStatus.CANCELLED)


def test_where_the_end_cannot_be_written_it_is_left_to_a_step_that_tries_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, job, command = _written()

    def fail(*_: object) -> None:
        raise StorageUnavailableError("No answer.")

    with monkeypatch.context() as broken:
        broken.setattr(services.jobs, "change", fail)
        assert commit_file(services, command) == Done(ended=False)
    assert stored(services, job).status is JobStatus.IN_PROGRESS
    assert _record(services, command) == Done()
    assert stored(services, job).status is JobStatus.COMPLETED
    assert services.files.commits == 1


def test_lost_pages_end_nothing() -> None:
    services, job, command = _written()
    services.pages.forget(job.ref, 1)
    assert isinstance(commit_file(services, command), PagesLost)
    assert stored(services, job).status is JobStatus.IN_PROGRESS


@pytest.mark.parametrize("interrupt", [cancel, take_over])
def test_a_job_that_no_longer_runs_is_left_alone(interrupt: Callable[[MemoryServices, Job], None]) -> None:
    services, job, command = _written()
    interrupt(services, job)
    assert commit_file(services, command) == Stopped()
    assert services.files.read(job.file_path) is None


def test_an_earlier_attempt_does_not_take_a_later_ones_end_for_its_own() -> None:
    services, job, command = _written()
    take_over(services, job)
    later = stored(services, job)
    assert commit_file(services, command.model_copy(update={"job": later.ref})) == Done(ended=True)
    assert commit_file(services, command) == Stopped()


def test_an_unknown_job_is_stopped() -> None:
    assert commit_file(a_services(), CommitFile(job=a_job().ref, pages=0, rows=0, bytes=0)) == Stopped()
