"""Links and manifests are given only for completed jobs that have not expired. Every link is audited."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from exports.errors import ExpiredError, JobNotFoundError, NotCompletedError, StorageUnavailableError
from exports.jobs.audit import AuditAction
from exports.jobs.job import Job
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.spec import ExportSpec, SensitiveFields, SensitiveFieldsError
from exports.steps.finalize.commit_file import commit_file
from exports.steps.finalize.publish_file import publish_file
from exports.steps.requests.download_file import create_link, load_manifest
from exports.steps.requests.give_link import Reader
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
    write_pages,
)

Download = Callable[[MemoryServices, str, str], object]


def _download_link(services: MemoryServices, tenant: str, code: str) -> str:
    return create_link(services, tenant, code, READER)


both = pytest.mark.parametrize("download", [_download_link, load_manifest], ids=["link", "manifest"])


def _completed(fields: tuple[TargetField, ...] = (TargetField.CODE, TargetField.NAME)) -> tuple[MemoryServices, Job]:
    """Complete a job with these columns. Its file is kept for two hours."""
    services = a_services(some_clients(5), EXPORT_KEEP_HOURS=2)
    columns = tuple(ColumnMapping(csv_header=field.value, target_field=field) for field in fields)
    job = a_planned_job(services, spec=ExportSpec(columns=columns))
    command = write_pages(services, job)
    commit_file(services, command)
    return services, job


def test_a_link_works_for_fifteen_minutes() -> None:
    services, job = _completed()
    link = _download_link(services, TENANT, job.code)
    services.now.advance(minutes=14.9)
    assert services.files.open_link(link) == services.files.read(job.file_path)
    services.now.advance(minutes=0.1)
    assert services.files.open_link(link) is None


def test_a_link_issued_late_still_expires_with_the_job() -> None:
    services, job = _completed()
    services.now.advance(hours=1.9)
    link = _download_link(services, TENANT, job.code)
    services.now.advance(hours=0.1)
    assert services.files.open_link(link) is None


def test_every_download_is_audited_with_rows_and_bytes() -> None:
    services, job = _completed()
    for _ in range(2):
        _download_link(services, TENANT, job.code)
    size = services.files.size_bytes(job.file_path)
    audited = [(entry.action, entry.actor, entry.rows, entry.bytes) for entry in services.audit.all]
    assert audited == [(AuditAction.DOWNLOADED, "reader", 5, size)] * 2


def test_a_file_with_sensitive_fields_needs_a_permitted_caller() -> None:
    services, job = _completed(fields=(TargetField.CODE, TargetField.NI_NUMBER))
    allowed = Reader("reader", sensitive=SensitiveFields.ALLOWED)
    assert get_export(services, TENANT, job.code, READER).download_url is None
    assert get_export(services, TENANT, job.code, allowed).download_url
    with pytest.raises(SensitiveFieldsError) as refused:
        create_link(services, TENANT, job.code, READER)
    assert refused.value.fields == (TargetField.NI_NUMBER,)
    assert [entry.action for entry in services.audit.all] == [AuditAction.LINK_GIVEN]
    assert create_link(services, TENANT, job.code, allowed)


def test_no_link_is_issued_if_the_audit_entry_cannot_be_written() -> None:
    services, job = _completed()

    def fail() -> None:
        raise StorageUnavailableError("No answer.")

    services.audit.before_append = fail
    with pytest.raises(StorageUnavailableError):
        _download_link(services, TENANT, job.code)


def test_the_manifest_describes_the_bytes_of_the_file() -> None:
    services, job = _completed()
    manifest = json.loads(load_manifest(services, TENANT, job.code))
    file, offset = services.files.read(job.file_path) or b"", 0
    for page in manifest["pages"]:
        block, offset = file[offset : offset + page["bytes"]], offset + page["bytes"]
        assert hashlib.sha256(block).hexdigest() == page["sha256"]
    assert (offset, manifest["rows"]) == (len(file), 5)


@both
def test_after_the_expiry_date_a_download_is_refused_as_expired(download: Download) -> None:
    services, job = _completed()
    services.now.advance(hours=2)
    services.now.moment -= timedelta(microseconds=1)
    download(services, TENANT, job.code)
    services.now.moment += timedelta(microseconds=1)
    with pytest.raises(ExpiredError, match="no longer kept"):
        download(services, TENANT, job.code)
    assert len(services.audit.all) <= 1


def _published_but_not_completed(services: MemoryServices) -> Job:
    job = a_planned_job(services)
    publish_file(services, write_pages(services, job))
    return job


@both
@pytest.mark.parametrize(
    "make_job", [a_stored_job, a_planned_job, _published_but_not_completed, a_cancelled_job, a_failed_job]
)
def test_a_job_that_is_not_completed_has_no_link_and_no_manifest(
    download: Download, make_job: Callable[[MemoryServices], Job]
) -> None:
    services = a_services(some_clients(5))
    job = make_job(services)
    with pytest.raises(NotCompletedError, match="only a Completed one"):
        download(services, TENANT, job.code)
    assert services.audit.all == []


@both
@pytest.mark.parametrize("tenant", ["other", TENANT])
def test_a_job_of_another_tenant_looks_like_an_unknown_job(download: Download, tenant: str) -> None:
    services, job = _completed()
    with pytest.raises(JobNotFoundError, match=r"^There is no export with this code\.$"):
        download(services, tenant, job.code if tenant == "other" else "7" * 26)
    assert services.audit.all == []
