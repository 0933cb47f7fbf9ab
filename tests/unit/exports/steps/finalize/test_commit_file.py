"""The commit completes a job once, and never replaces another end of the job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from exports.errors import StorageUnavailableError
from exports.file.manifest import ManifestDto
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.jobs.watchdog import watched
from exports.request.formats import FORMAT_PRESETS, FormatPreset
from exports.steps.finalize.commit_file import commit_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.workflow.commands import CommitFile, RecordOutcome
from exports.workflow.outcomes import Done, PagesLost, Stopped
from tests.support.builders import a_job
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import a_planned_job, cancel, some_clients, stored, take_over, two_columns, write_pages


class Crash(BaseException):
    """Simulates that the process dies here."""


def _written() -> tuple[MemoryServices, Job, CommitFile]:
    """Make a running job whose pages are all written."""
    services = a_services(some_clients(5), EXPORT_KEEP_HOURS=2)
    job = a_planned_job(services)
    services.watch.watch(watched(job.ref, services.now()))
    return services, job, write_pages(services, job)


def _record(services: MemoryServices, command: CommitFile) -> object:
    return record_outcome(services, RecordOutcome(job=command.job, rows=command.rows, bytes=command.bytes))


def _is_due(services: MemoryServices, job: Job) -> bool:
    return [due.code for due in services.watch.due(services.now() + timedelta(hours=2), 10)] == [job.code]


def test_a_commit_completes_the_job_shows_the_size_and_ends_the_watch() -> None:
    services, job, command = _written()
    ended = services.now.advance(minutes=3)
    assert commit_file(services, command) == Done(ended=True)
    now = stored(services, job)
    assert (now.status, now.total_items, now.settled_items) == (JobStatus.COMPLETED, 5, 5)
    assert now.file_bytes == services.files.size_bytes(job.file_path) == command.bytes
    assert (now.completed_date, now.expiry_date) == (ended, ended + timedelta(hours=2))
    assert services.watch.watched(10) == []
    assert _is_due(services, job)


def test_the_total_becomes_the_number_of_verified_clients() -> None:
    services, job, command = _written()
    services.jobs.change(job.tenant, job.code, lambda job: job.plan(7))
    commit_file(services, command)
    assert stored(services, job).total_items == 5


def test_a_repeated_commit_changes_nothing_and_returns_the_same() -> None:
    services, job, command = _written()
    commit_file(services, command)
    before = stored(services, job)
    services.now.advance(minutes=1)
    assert commit_file(services, command) == Done(ended=True)
    assert (stored(services, job), services.files.commits) == (before, 1)


@pytest.mark.parametrize("effect", ["add_due", "unwatch"])
def test_a_commit_that_crashed_after_ending_the_job_ends_the_watch_when_repeated(
    monkeypatch: pytest.MonkeyPatch, effect: str
) -> None:
    services, job, command = _written()

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(services.watch, effect, crash)
        with pytest.raises(Crash):
            commit_file(services, command)
    assert stored(services, job).status is JobStatus.COMPLETED
    assert [entry.ref for entry in services.watch.watched(10)] == [job.ref]
    assert commit_file(services, command) == Done(ended=True)
    assert services.watch.watched(10) == []
    assert _is_due(services, job)


@pytest.mark.parametrize("interrupt", [cancel, take_over])
@pytest.mark.parametrize("moment", ["commit", "end"])
def test_a_job_interrupted_during_the_commit_is_not_completed(
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


def test_an_end_that_cannot_be_written_is_left_to_record_outcome(
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


def test_a_workbook_whose_end_is_left_to_record_outcome_has_its_true_size(monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services, spec=two_columns(format=FORMAT_PRESETS[FormatPreset.XLSX]))
    command = write_pages(services, job)

    def fail(*_: object) -> None:
        raise StorageUnavailableError("No answer.")

    with monkeypatch.context() as broken:
        broken.setattr(services.jobs, "change", fail)
        assert commit_file(services, command) == Done(ended=False)
    _record(services, command)
    manifest = ManifestDto.model_validate_json(services.files.load_manifest(job.ref))
    assert stored(services, job).file_bytes == services.files.size_bytes(job.file_path) == manifest.bytes
    assert manifest.bytes > command.bytes


def test_a_job_with_lost_pages_goes_on() -> None:
    services, job, command = _written()
    services.pages.forget(job.ref, 1)
    assert isinstance(commit_file(services, command), PagesLost)
    assert stored(services, job).status is JobStatus.IN_PROGRESS


@pytest.mark.parametrize("interrupt", [cancel, take_over])
def test_a_job_that_no_longer_runs_is_not_committed(interrupt: Callable[[MemoryServices, Job], None]) -> None:
    services, job, command = _written()
    interrupt(services, job)
    assert commit_file(services, command) == Stopped()
    assert services.files.read(job.file_path) is None


def test_an_earlier_attempt_is_stopped_after_a_later_one_completed_the_job() -> None:
    services, job, command = _written()
    take_over(services, job)
    later = stored(services, job)
    assert commit_file(services, command.model_copy(update={"job": later.ref})) == Done(ended=True)
    assert commit_file(services, command) == Stopped()


def test_an_unknown_job_is_stopped() -> None:
    assert commit_file(a_services(), CommitFile(job=a_job().ref, pages=0, rows=0, bytes=0)) == Stopped()
