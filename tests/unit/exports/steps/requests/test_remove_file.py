"""A user or an operator removes a finished file at once; from then on no link opens it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from exports.errors import ExpiredError, JobNotFoundError, NotCompletedError, StorageUnavailableError
from exports.jobs.audit import AuditAction
from exports.jobs.job import Job
from exports.jobs.states import FileStatus, JobStatus
from exports.steps.finalize.commit_file import commit_file
from exports.steps.requests.download_file import create_link, load_manifest
from exports.steps.requests.remove_file import remove_file
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import (
    READER,
    TENANT,
    a_cancelled_job,
    a_failed_job,
    a_planned_job,
    a_stored_job,
    get_export,
    some_clients,
    stored,
    write_pages,
)


def _completed() -> tuple[MemoryServices, Job]:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    commit_file(services, write_pages(services, job))
    return services, job


def test_a_link_that_was_given_before_opens_nothing_after_the_removal() -> None:
    services, job = _completed()
    link = create_link(services, TENANT, job.code, READER)
    remove_file(services, TENANT, job.code, "alice")
    assert services.files.read(job.file_path) is None
    assert services.files.open_link(link) is None


def test_a_removed_file_is_refused_in_words_of_its_own() -> None:
    services, job = _completed()
    remove_file(services, TENANT, job.code, "alice")
    for download in (
        lambda: create_link(services, TENANT, job.code, READER),
        lambda: load_manifest(services, TENANT, job.code),
    ):
        with pytest.raises(ExpiredError, match="was removed"):
            download()
    shown = get_export(services, TENANT, job.code, READER)
    assert (shown.status, shown.file_status, shown.download_url) == (JobStatus.COMPLETED, FileStatus.REMOVED, None)


def test_a_removal_is_audited_once_however_often_it_is_repeated() -> None:
    services, job = _completed()
    first = remove_file(services, TENANT, job.code, "alice")
    assert remove_file(services, TENANT, job.code, "bob") == first
    assert [(entry.action, entry.actor) for entry in services.audit.all] == [(AuditAction.FILE_REMOVED, "alice")]


def test_a_removal_that_was_interrupted_can_be_repeated() -> None:
    services, job = _completed()
    services.jobs.change(TENANT, job.code, lambda job: replace(job, file_removed=True))  # and then the process died
    remove_file(services, TENANT, job.code, "alice")
    assert services.files.read(job.file_path) is None


def test_nothing_is_removed_if_the_audit_entry_cannot_be_written() -> None:
    services, job = _completed()

    def fail() -> None:
        raise StorageUnavailableError("no")

    services.audit.before_append = fail
    with pytest.raises(StorageUnavailableError):
        remove_file(services, TENANT, job.code, "alice")
    assert services.files.read(job.file_path)
    assert not stored(services, job).file_removed


@pytest.mark.parametrize("make_job", [a_stored_job, a_planned_job, a_cancelled_job, a_failed_job])
def test_a_job_that_is_not_completed_has_no_file_to_remove(make_job: Callable[[MemoryServices], Job]) -> None:
    services = a_services(some_clients(5))
    job = make_job(services)
    with pytest.raises(NotCompletedError):
        remove_file(services, TENANT, job.code, "alice")
    assert not stored(services, job).file_removed
    assert [entry.action for entry in services.audit.all if entry.action is AuditAction.FILE_REMOVED] == []


def test_the_file_of_another_tenant_cannot_be_removed() -> None:
    services, job = _completed()
    with pytest.raises(JobNotFoundError):
        remove_file(services, "other", job.code, "alice")
    assert services.files.read(job.file_path)
