"""The status of a job: its progress is exact and never falls, and it has a link until the job expires."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from exports.errors import JobNotFoundError, StorageUnavailableError
from exports.file.page_record import PageRecord
from exports.jobs.audit import AuditAction, LinkSource
from exports.jobs.failures import INTERRUPTED
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.jobs.view import CsvExportJobDto
from exports.steps.finalize.commit_file import commit_file
from exports.steps.finalize.publish_file import publish_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.pages.record_progress import record_progress
from exports.steps.requests.download_file import create_link
from exports.steps.requests.get_export import present, present_started, tag_of
from exports.steps.requests.give_link import Reader
from exports.workflow.commands import CommitFile, RecordOutcome, RecordProgress
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import (
    READER,
    TENANT,
    a_planned_job,
    a_stored_job,
    cancel,
    get_export,
    some_clients,
    stored,
    write_pages,
)


def _show(services: MemoryServices, job: Job) -> CsvExportJobDto:
    shown = get_export(services, job.tenant, job.code, READER)
    assert shown is not None
    return shown


def _complete(services: MemoryServices, job: Job) -> CommitFile:
    command = write_pages(services, job)
    commit_file(services, command)
    return command


def test_a_queued_job_is_shown() -> None:
    services = a_services()
    job = a_stored_job(services)
    shown = _show(services, job)
    assert (shown.code, shown.status, shown.processed_items) == (job.code, JobStatus.QUEUED, 0)


def test_pages_in_flight_count_before_they_are_settled() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    write_pages(services, job, pages=2)
    shown = _show(services, job)
    assert (shown.processed_items, shown.total_items, shown.percent_complete) == (4, 5, 80)


def test_settled_pages_are_not_counted_twice() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    write_pages(services, job, pages=2)
    record_progress(services, RecordProgress(job=job.ref, pages=1, rows=2))
    assert _show(services, job).processed_items == 4


def test_progress_never_falls_from_the_first_page_to_the_end() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    seen = [_show(services, job).processed_items]
    for pages in (1, 2, 3):
        command = write_pages(services, job, pages)
        seen.append(_show(services, job).processed_items)
        record_progress(services, RecordProgress(job=job.ref, pages=pages, rows=command.rows))
        seen.append(_show(services, job).processed_items)
    publish_file(services, command)
    seen.append(_show(services, job).processed_items)
    commit_file(services, command)
    seen.append(_show(services, job).processed_items)
    assert all(before <= after for before, after in pairwise(seen))
    assert (seen[0], seen[-1]) == (0, 5)


def test_clients_added_during_the_export_do_not_push_progress_past_the_total() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    services.clients.clients += some_clients(9)[5:]
    command = write_pages(services, job)
    assert (_show(services, job).processed_items, _show(services, job).total_items) == (5, 5)
    commit_file(services, command)
    assert (_show(services, job).processed_items, _show(services, job).total_items) == (9, 9)


def test_a_completed_job_has_a_link_that_works_for_the_minutes_of_the_setting() -> None:
    services = a_services(some_clients(5), EXPORT_KEEP_HOURS=2, EXPORT_LINK_MINUTES=30)
    job = a_planned_job(services)
    command = _complete(services, job)
    shown = _show(services, job)
    assert shown.download_url is not None
    assert shown.expiry_date == services.now() + timedelta(hours=2)
    services.now.advance(minutes=29.9)
    assert len(services.files.open_link(shown.download_url) or b"") == command.bytes
    services.now.advance(minutes=0.1)
    assert services.files.open_link(shown.download_url) is None
    assert services.files.open_link(_show(services, job).download_url or "")


def _a_completed_job(services: MemoryServices) -> Job:
    job = a_planned_job(services)
    _complete(services, job)
    return job


def test_every_link_is_audited_with_the_caller_and_the_answer_that_gave_it() -> None:
    services = a_services(some_clients(5))
    job = _a_completed_job(services)
    get_export(services, TENANT, job.code, Reader("alice"))
    present_started(services, stored(services, job), Reader("bob"))
    create_link(services, TENANT, job.code, Reader("carol"))
    assert [(entry.action, entry.actor, entry.link_source) for entry in services.audit.all] == [
        (AuditAction.LINK_GIVEN, "alice", LinkSource.STATUS),
        (AuditAction.LINK_GIVEN, "bob", LinkSource.START),
        (AuditAction.DOWNLOADED, "carol", None),
    ]


def test_a_caller_without_the_scope_to_read_gets_no_link_and_no_audit_entry() -> None:
    services = a_services(some_clients(5))
    job = _a_completed_job(services)
    writer = Reader("writer", may_read=False)
    assert present_started(services, stored(services, job), writer).download_url is None
    assert services.audit.all == []


def test_a_start_is_answered_without_a_link_if_the_link_cannot_be_audited() -> None:
    services = a_services(some_clients(5))
    job = _a_completed_job(services)

    def fail() -> None:
        raise StorageUnavailableError("no")

    services.audit.before_append = fail
    assert present_started(services, stored(services, job), READER).download_url is None
    with pytest.raises(StorageUnavailableError):
        get_export(services, TENANT, job.code, READER)


def test_a_start_is_answered_without_progress_if_storage_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services(some_clients(5))
    job = stored(services, a_planned_job(services))

    def fail(*_: object) -> list[PageRecord]:
        raise StorageUnavailableError("no")

    monkeypatch.setattr(services.pages, "records", fail)
    assert present_started(services, job, READER).code == job.code
    with pytest.raises(StorageUnavailableError):
        get_export(services, TENANT, job.code, READER)


def test_the_tag_of_a_completed_job_changes_while_the_last_link_still_works() -> None:
    services = a_services(some_clients(5))
    job = stored(services, _a_completed_job(services))
    tags = []
    for _ in range(30):
        tags.append(tag_of(services, job, present(services, job), READER))
        services.now.advance(minutes=1)
    assert len(set(tags)) in (4, 5)
    assert all(tags[minute] != tags[minute + 8] for minute in range(22))


def test_the_tag_of_an_answer_without_a_link_differs_and_stays_while_the_job_does() -> None:
    services = a_services(some_clients(5))
    job = stored(services, _a_completed_job(services))
    without = replace(READER, wants_link=False)
    tags = set()
    for _ in range(30):
        tags.add(tag_of(services, job, present(services, job), without))
        assert tag_of(services, job, present(services, job), READER) not in tags
        services.now.advance(minutes=1)
    assert len(tags) == 1


def test_an_expired_job_has_no_link() -> None:
    services = a_services(some_clients(5), EXPORT_KEEP_HOURS=2)
    job = a_planned_job(services)
    _complete(services, job)
    services.now.advance(hours=2)
    assert _show(services, job).download_url is None


def test_a_published_file_has_no_link_until_the_job_is_completed() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    publish_file(services, write_pages(services, job))
    assert _show(services, job).download_url is None


def test_a_failed_job_keeps_its_progress_and_has_no_link() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    write_pages(services, job, pages=2)
    record_outcome(services, RecordOutcome(job=job.ref, failure=INTERRUPTED))
    shown = _show(services, job)
    assert (shown.processed_items, shown.failure, shown.download_url) == (4, INTERRUPTED, None)


def test_a_cancelled_job_keeps_its_progress() -> None:
    services = a_services(some_clients(5))
    job = a_planned_job(services)
    write_pages(services, job, pages=2)
    cancel(services, job)
    assert (_show(services, job).status, _show(services, job).processed_items) == (JobStatus.CANCELLED, 4)


@pytest.mark.parametrize("tenant", ["other", TENANT])
def test_a_job_of_another_tenant_looks_like_an_unknown_job(tenant: str) -> None:
    services = a_services()
    code = a_stored_job(services).code if tenant == "other" else "7" * 26
    with pytest.raises(JobNotFoundError, match=r"^There is no export with this code\.$"):
        get_export(services, tenant, code, READER)
