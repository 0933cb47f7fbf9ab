"""Every request starts one job; repeats with the same idempotency key return that job."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

import pytest

from exports.errors import KeyReusedError, QuotaExceededError
from exports.jobs.codes import new_job_code
from exports.jobs.job import Job
from exports.jobs.quota import Quota
from exports.jobs.states import JobStatus
from exports.request.body import CsvExportRequestDto
from exports.request.filters import ClientFilter
from exports.request.idempotency import IdempotencyRecord, hash_of_body, hash_of_key
from exports.request.spec import InvalidSpecError, SensitiveFields
from exports.steps.orchestrations import NotStartedError
from exports.steps.requests.request_export import ExportCommand, request_export
from tests.support.builders import NOON
from tests.support.fake_durable import RecordingStarter
from tests.support.fake_idempotency import MemoryIdempotencyStore
from tests.support.fake_jobs import MemoryJobStore
from tests.support.fake_named_resources import MemoryMappingStore
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_stored_job, cancel, stored

BODY = CsvExportRequestDto()
OTHER_BODY = CsvExportRequestDto(filter=ClientFilter(search="x"))


def _request(
    services: MemoryServices, starter: RecordingStarter, key: str | None = None, body: CsvExportRequestDto = BODY
) -> Job:
    command = ExportCommand(TENANT, "me", body, SensitiveFields.ALLOWED, key)
    return asyncio.run(request_export(services, starter, command))


def _one_active_job_allowed() -> tuple[MemoryServices, RecordingStarter]:
    return a_services(EXPORT_MAX_ACTIVE_JOBS=1), RecordingStarter()


# --- without a key ---


def test_every_request_without_a_key_starts_its_own_job() -> None:
    services, starter = a_services(), RecordingStarter()
    assert _request(services, starter).code != _request(services, starter).code
    assert len(starter.started) == 2


def test_a_request_beyond_the_quota_stores_and_starts_nothing() -> None:
    services, starter = _one_active_job_allowed()
    first = _request(services, starter)
    with pytest.raises(QuotaExceededError):
        _request(services, starter)
    assert services.jobs.all() == [first]
    assert (len(starter.started), len(services.audit.all)) == (1, 1)


def test_a_job_that_cannot_be_started_fails_and_frees_its_quota() -> None:
    services, starter = _one_active_job_allowed()
    starter.before_start = _refuse
    with pytest.raises(NotStartedError):
        _request(services, starter)
    assert [job.status for job in services.jobs.all()] == [JobStatus.FAILED]
    starter.before_start = lambda: None
    assert _request(services, starter).status is JobStatus.QUEUED


# --- with a key ---


def test_a_repeat_returns_the_job_in_its_current_state() -> None:
    services, starter = a_services(), RecordingStarter()
    job = _request(services, starter, "key")
    cancel(services, job)
    assert _request(services, starter, "key") == stored(services, job)
    assert (len(starter.started), len(services.audit.all)) == (1, 1)


def test_a_repeat_returns_its_job_even_if_the_quota_is_used_up() -> None:
    services, starter = _one_active_job_allowed()
    job = _request(services, starter, "key")
    assert _request(services, starter, "key") == job


def test_a_repeat_returns_its_job_even_if_the_mapping_was_deleted() -> None:
    services, starter = a_services(), RecordingStarter()
    body = CsvExportRequestDto(mapping_code="limited-company-clients")
    job = _request(services, starter, "key", body)
    services = replace(services, mappings=cast("MemoryMappingStore", None))  # a second lookup would fail
    assert _request(services, starter, "key", body) == job


def test_a_repeat_creates_the_job_if_the_first_request_died_after_its_claim() -> None:
    services, starter = a_services(), RecordingStarter()
    starter.before_start = _refuse
    lost = MemoryJobStore()
    with pytest.raises(NotStartedError):
        _request(replace(services, jobs=lost), starter, "key")
    starter.before_start = lambda: None
    services.now.advance(minutes=5)
    job = _request(services, starter, "key")
    assert [job.code] == [first.code for first in lost.all()]
    assert len(starter.started) == 1


def test_concurrent_requests_with_one_key_start_one_job_and_all_get_it() -> None:
    services, starter = a_services(), RecordingStarter()
    command = ExportCommand(TENANT, "me", BODY, SensitiveFields.ALLOWED, "key")

    async def all_at_once() -> list[Job]:
        return await asyncio.gather(*(request_export(services, starter, command) for _ in range(8)))

    assert len({job.code for job in asyncio.run(all_at_once())}) == 1
    assert len(starter.started) == 1


def test_reusing_a_key_with_another_body_is_refused_and_keeps_the_first_job() -> None:
    services, starter = a_services(), RecordingStarter()
    first = _request(services, starter, "key")
    with pytest.raises(KeyReusedError):
        _request(services, starter, "key", OTHER_BODY)
    assert _request(services, starter, "key") == first


def test_reusing_a_key_with_another_body_is_refused_even_beyond_the_quota() -> None:
    services, starter = _one_active_job_allowed()
    _request(services, starter, "key")
    with pytest.raises(KeyReusedError):
        _request(services, starter, "key", OTHER_BODY)


def test_a_request_beyond_the_quota_does_not_claim_its_key() -> None:
    """A claim is a write, and a refused request writes nothing."""
    services, starter = _one_active_job_allowed()
    _request(services, starter)
    with pytest.raises(QuotaExceededError):
        _request(services, starter, "new")
    assert services.requests.find(TENANT, hash_of_key("new")) is None


def test_an_invalid_request_does_not_claim_its_key() -> None:
    services, starter = a_services(), RecordingStarter()
    with pytest.raises(InvalidSpecError):
        _request(services, starter, "key", CsvExportRequestDto(mapping_code="no-such-mapping"))
    assert _request(services, starter, "key").status is JobStatus.QUEUED


def test_a_refused_key_works_the_next_day_and_counts_for_that_day() -> None:
    services, starter = a_services(EXPORT_MAX_JOBS_PER_DAY=1), RecordingStarter()
    _request(services, starter)
    with pytest.raises(QuotaExceededError):
        _request(services, starter, "key")
    services.now.advance(days=1)
    _request(services, starter, "key")
    with pytest.raises(QuotaExceededError):
        _request(services, starter)


def test_a_request_returns_the_job_of_a_concurrent_duplicate_despite_the_quota() -> None:
    services, starter = _one_active_job_allowed()
    duplicates: list[Job] = []

    class DuplicateIsFaster(MemoryIdempotencyStore):
        """Serves a duplicate of the request after the first lookup of the key and before the quota check."""

        def find(self, tenant: str, key_hash: str) -> IdempotencyRecord | None:
            found = super().find(tenant, key_hash)
            if not duplicates:
                record = IdempotencyRecord(TENANT, key_hash, hash_of_body(BODY), new_job_code(NOON), NOON)
                duplicates.append(a_stored_job(services, code=self.claim(record).code))
            return found

    services = replace(services, requests=DuplicateIsFaster())
    assert _request(services, starter, "key") == duplicates[0]
    assert starter.started == []


def test_a_request_returns_the_job_of_a_duplicate_that_used_the_last_of_the_quota() -> None:
    services, starter = _one_active_job_allowed()
    duplicates: list[Job] = []

    class DuplicateIsFaster(MemoryJobStore):
        """Stores the job of a duplicate after the early check of the quota."""

        def create(self, job: Job, quota: Quota | None = None) -> bool:
            if not duplicates:
                duplicates.append(job)
                super().create(job)
                raise QuotaExceededError("There are too many.", 30)
            return super().create(job, quota)

    services = replace(services, jobs=DuplicateIsFaster())
    assert _request(services, starter, "key") == duplicates[0]
    with pytest.raises(QuotaExceededError):
        _request(services, starter, "other")
    assert starter.started == []


def _refuse() -> None:
    raise ConnectionError("secret.host.example")
