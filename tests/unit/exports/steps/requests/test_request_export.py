"""Requests: one job each, and one for all repeats."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

import pytest

from exports.errors import KeyReusedError, QuotaExceededError
from exports.jobs.codes import new_job_code
from exports.jobs.job import Job
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


def _only_one_active() -> tuple[MemoryServices, RecordingStarter]:
    return a_services(EXPORT_MAX_ACTIVE_JOBS=1), RecordingStarter()


# --- without a key ---


def test_every_request_without_a_key_is_a_job_of_its_own() -> None:
    services, starter = a_services(), RecordingStarter()
    assert _request(services, starter).code != _request(services, starter).code
    assert len(starter.started) == 2


def test_a_request_beyond_the_quota_leaves_nothing() -> None:
    services, starter = _only_one_active()
    first = _request(services, starter)
    with pytest.raises(QuotaExceededError):
        _request(services, starter)
    assert services.jobs.all() == [first]
    assert (len(starter.started), len(services.audit.all)) == (1, 1)


def test_a_job_that_could_not_be_started_is_failed_and_takes_no_place() -> None:
    services, starter = _only_one_active()
    starter.before_start = _refuse
    with pytest.raises(NotStartedError):
        _request(services, starter)
    assert [job.status for job in services.jobs.all()] == [JobStatus.FAILED]
    starter.before_start = lambda: None
    assert _request(services, starter).status is JobStatus.QUEUED


# --- with a key ---


def test_a_repeat_gives_the_job_as_it_is_now() -> None:
    services, starter = a_services(), RecordingStarter()
    job = _request(services, starter, "key")
    cancel(services, job)
    assert _request(services, starter, "key") == stored(services, job)
    assert (len(starter.started), len(services.audit.all)) == (1, 1)


def test_a_repeat_gives_its_job_though_that_took_the_last_place() -> None:
    services, starter = _only_one_active()
    job = _request(services, starter, "key")
    assert _request(services, starter, "key") == job


def test_a_repeat_gives_its_job_though_the_mapping_is_gone() -> None:
    services, starter = a_services(), RecordingStarter()
    body = CsvExportRequestDto(mapping_code="limited-company-clients")
    job = _request(services, starter, "key", body)
    services = replace(services, mappings=cast("MemoryMappingStore", None))  # nobody may look it up again
    assert _request(services, starter, "key", body) == job


def test_a_claim_whose_first_requester_died_before_creating_is_completed_by_the_second() -> None:
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


def test_of_many_requesters_who_find_no_job_one_starts_it_and_all_get_it() -> None:
    services, starter = a_services(), RecordingStarter()
    command = ExportCommand(TENANT, "me", BODY, SensitiveFields.ALLOWED, "key")

    async def all_at_once() -> list[Job]:
        return await asyncio.gather(*(request_export(services, starter, command) for _ in range(8)))

    assert len({job.code for job in asyncio.run(all_at_once())}) == 1
    assert len(starter.started) == 1


def test_a_key_with_another_body_is_refused_and_keeps_its_meaning() -> None:
    services, starter = a_services(), RecordingStarter()
    first = _request(services, starter, "key")
    with pytest.raises(KeyReusedError):
        _request(services, starter, "key", OTHER_BODY)
    assert _request(services, starter, "key") == first


def test_a_key_is_refused_with_another_body_even_beyond_the_quota() -> None:
    services, starter = _only_one_active()
    _request(services, starter, "key")
    with pytest.raises(KeyReusedError):
        _request(services, starter, "key", OTHER_BODY)


def test_beyond_the_quota_a_new_key_is_bound_to_nothing() -> None:
    """Else keys bound today would be places for tomorrow: the code a key stands for tells the day its job counts."""
    services, starter = _only_one_active()
    _request(services, starter)
    with pytest.raises(QuotaExceededError):
        _request(services, starter, "new")
    assert services.requests.find(TENANT, hash_of_key("new")) is None


def test_a_request_that_cannot_be_met_leaves_its_key_free() -> None:
    services, starter = a_services(), RecordingStarter()
    with pytest.raises(InvalidSpecError):
        _request(services, starter, "key", CsvExportRequestDto(mapping_code="no-such-mapping"))
    assert _request(services, starter, "key").status is JobStatus.QUEUED


def test_a_refused_key_can_be_used_again_once_there_is_a_place_and_counts_for_that_day() -> None:
    services, starter = a_services(EXPORT_MAX_JOBS_PER_DAY=1), RecordingStarter()
    _request(services, starter)
    with pytest.raises(QuotaExceededError):
        _request(services, starter, "key")
    services.now.advance(days=1)
    _request(services, starter, "key")
    with pytest.raises(QuotaExceededError):
        _request(services, starter)


def test_a_request_whose_twin_takes_the_last_place_while_it_looks_gets_the_job_of_its_twin() -> None:
    services, starter = _only_one_active()
    twins: list[Job] = []

    class TwinComesFirst(MemoryIdempotencyStore):
        """Between the first look and the quota another delivery of the same request is served."""

        def find(self, tenant: str, key_hash: str) -> IdempotencyRecord | None:
            found = super().find(tenant, key_hash)
            if not twins:
                record = IdempotencyRecord(TENANT, key_hash, hash_of_body(BODY), new_job_code(NOON), NOON)
                twins.append(a_stored_job(services, code=self.claim(record).code))
            return found

    services = replace(services, requests=TwinComesFirst())
    assert _request(services, starter, "key") == twins[0]
    assert starter.started == []


def _refuse() -> None:
    raise ConnectionError("secret.host.example")
