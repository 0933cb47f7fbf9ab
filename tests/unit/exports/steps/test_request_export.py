"""Requests: one job each, and one for all repeats."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from exports.errors import KeyReusedError, QuotaExceededError
from exports.idempotency import IdempotencyRecord, hash_of_key
from exports.jobs import Job
from exports.requests import ClientFilter, CsvExportRequestDto
from exports.states import JobStatus
from exports.steps.request_export import claim_key, request_export
from exports.steps.start_export import NotStartedError
from tests.support.fakes import MemoryIdempotencyStore, MemoryServices, RecordingStarter, a_services
from tests.support.steps import TENANT, a_stored_job, cancel, stored, two_columns

BODY = CsvExportRequestDto()
OTHER_BODY = CsvExportRequestDto(filter=ClientFilter(search="x"))


def _request(services: MemoryServices, starter: RecordingStarter, repeat: IdempotencyRecord | None = None) -> Job:
    return asyncio.run(request_export(services, starter, TENANT, two_columns(), "me", repeat))


def _claim(services: MemoryServices, key: str = "key", body: CsvExportRequestDto = BODY) -> IdempotencyRecord:
    return claim_key(services, TENANT, key, body)


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
    job = _request(services, starter, _claim(services))
    cancel(services, job)
    assert _request(services, starter, _claim(services)) == stored(services, job)
    assert (len(starter.started), len(services.audit.all)) == (1, 1)


def test_a_repeat_gives_its_job_though_that_took_the_last_place() -> None:
    services, starter = _only_one_active()
    job = _request(services, starter, _claim(services))
    assert _request(services, starter, _claim(services)) == job


def test_a_claim_whose_first_requester_died_before_creating_is_completed_by_the_second() -> None:
    services, starter = a_services(), RecordingStarter()
    claimed = _claim(services)
    services.now.advance(minutes=5)
    job = _request(services, starter, _claim(services))
    assert job.code == claimed.code
    assert services.jobs.all() == [job]
    assert len(starter.started) == 1


def test_of_two_requesters_who_both_find_no_job_one_starts_it_and_both_get_it() -> None:
    services, starter = a_services(), RecordingStarter()
    repeat = _claim(services)

    async def both() -> list[Job]:
        requests = (request_export(services, starter, TENANT, two_columns(), "me", repeat) for _ in range(8))
        return await asyncio.gather(*requests)

    assert len({job.code for job in asyncio.run(both())}) == 1
    assert len(starter.started) == 1


def test_a_key_with_another_body_is_refused_and_keeps_its_meaning() -> None:
    services = a_services()
    first = _claim(services)
    with pytest.raises(KeyReusedError):
        _claim(services, body=OTHER_BODY)
    assert _claim(services) == first


def test_a_key_is_refused_with_another_body_even_beyond_the_quota() -> None:
    services, starter = _only_one_active()
    _request(services, starter, _claim(services))
    with pytest.raises(KeyReusedError):
        _claim(services, body=OTHER_BODY)


def test_the_same_key_of_another_tenant_stands_for_another_job() -> None:
    services = a_services()
    assert claim_key(services, "other", "key", OTHER_BODY).code != _claim(services).code


def test_beyond_the_quota_a_new_key_is_bound_to_nothing() -> None:
    """Else keys bound today would be places for tomorrow: the code a key stands for tells the day its job counts."""
    services, starter = _only_one_active()
    _request(services, starter)
    with pytest.raises(QuotaExceededError):
        _claim(services, "new")
    assert services.requests.find(TENANT, hash_of_key("new")) is None


def test_a_refused_key_can_be_used_again_once_there_is_a_place_and_counts_for_that_day() -> None:
    services, starter = a_services(EXPORT_MAX_JOBS_PER_DAY=1), RecordingStarter()
    _request(services, starter)
    with pytest.raises(QuotaExceededError):
        _claim(services)
    services.now.advance(days=1)
    _request(services, starter, _claim(services))
    with pytest.raises(QuotaExceededError):
        _request(services, starter)


def test_a_claim_without_a_job_is_refused_while_there_is_no_place() -> None:
    services, starter = _only_one_active()
    repeat = _claim(services)
    a_stored_job(services)
    with pytest.raises(QuotaExceededError):
        _request(services, starter, repeat)
    assert len(services.jobs.all()) == 1


def test_a_request_whose_twin_takes_the_last_place_while_it_looks_gets_the_job_of_its_twin() -> None:
    services, starter = _only_one_active()
    twins: list[Job] = []

    class TwinComesFirst(MemoryIdempotencyStore):
        """Between the first look and the quota another delivery of the same request is served."""

        def find(self, tenant: str, key_hash: str) -> IdempotencyRecord | None:
            found = super().find(tenant, key_hash)
            if not twins:
                twins.append(a_stored_job(services, code=self.claim(_claim(a_services())).code))
            return found

    services = replace(services, requests=TwinComesFirst())
    assert _request(services, starter, _claim(services)) == twins[0]
    assert starter.started == []


def _refuse() -> None:
    raise ConnectionError("secret.host.example")
