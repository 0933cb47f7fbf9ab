"""The contract of `JobStore` for lists, tested on the fake and on the real adapter."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest

from exports.adapters.storage.jobs import TableJobStore
from exports.errors import QuotaExceededError, StorageUnavailableError
from exports.jobs.codes import new_job_code
from exports.jobs.job import Job
from exports.jobs.quota import Quota
from exports.jobs.states import JobStatus
from exports.ports.jobs import JobStore
from shared.storage import StorageAccount
from tests.contract.either_store import memory_or_azurite
from tests.support.builders import NOON, a_job
from tests.support.counting import counted_requests
from tests.support.fake_jobs import MemoryJobStore

MIDNIGHT = NOON.replace(hour=0)
BOTH_ACTIVE = (JobStatus.QUEUED, JobStatus.IN_PROGRESS)


jobs = memory_or_azurite(MemoryJobStore, TableJobStore)


def _create(jobs: JobStore, created: datetime = NOON, **changes: Any) -> Job:
    job = a_job(**{"tenant": "tenant", "code": new_job_code(created), "created_date": created, **changes})
    assert jobs.create(job)
    return job


def _create_some(jobs: JobStore, number: int, **changes: Any) -> list[Job]:
    """Create jobs one second apart, oldest first."""
    return [_create(jobs, NOON + timedelta(seconds=second), **changes) for second in range(number)]


# --- list ---


def test_without_jobs_the_list_is_empty(jobs: JobStore) -> None:
    assert jobs.list("tenant", 10) == []


def test_jobs_are_listed_newest_first_in_any_order_of_creation(jobs: JobStore) -> None:
    created = [_create(jobs, NOON + timedelta(milliseconds=offset)) for offset in (5, 1, 10_000, 0, 86_400_000)]
    assert jobs.list("tenant", 10) == sorted(created, key=lambda job: job.created_date, reverse=True)


def test_a_list_is_no_longer_than_its_limit(jobs: JobStore) -> None:
    created = _create_some(jobs, 4)
    assert jobs.list("tenant", 3) == created[:0:-1]
    assert jobs.list("tenant", 1) == created[-1:]


def test_a_list_goes_on_after_a_code(jobs: JobStore) -> None:
    first, second, third = _create_some(jobs, 3)
    assert jobs.list("tenant", 10, after=third.code) == [second, first]
    assert jobs.list("tenant", 10, after=first.code) == []


def test_a_list_can_be_limited_to_the_codes_between_two(jobs: JobStore) -> None:
    first, second, third, _ = _create_some(jobs, 4)
    assert jobs.list("tenant", 10, between=(third.code, first.code)) == [third, second, first]
    assert jobs.list("tenant", 10, after=third.code, between=(third.code, second.code)) == [second]
    assert jobs.list("tenant", 10, between=(second.code, second.code)) == [second]


def test_a_list_goes_on_after_a_code_that_no_job_has(jobs: JobStore) -> None:
    first, second = _create_some(jobs, 2)
    between = new_job_code(second.created_date - timedelta(milliseconds=1))
    assert jobs.list("tenant", 10, after=between) == [first]


def test_a_list_can_be_limited_to_some_statuses(jobs: JobStore) -> None:
    for status in JobStatus:
        _create(jobs, status=status)
    for wanted in ([JobStatus.FAILED], BOTH_ACTIVE, list(JobStatus)):
        assert {job.status for job in jobs.list("tenant", 10, statuses=wanted)} == set(wanted)


def test_a_status_may_be_named_any_number_of_times(jobs: JobStore) -> None:
    failed = _create_some(jobs, 2, status=JobStatus.FAILED)
    _create_some(jobs, 1)
    assert jobs.list("tenant", 10, statuses=[JobStatus.FAILED] * 1_000) == failed[::-1]


def test_the_limit_counts_only_jobs_with_the_wanted_statuses(jobs: JobStore) -> None:
    failed = _create_some(jobs, 2, status=JobStatus.FAILED)
    _create_some(jobs, 5)
    assert jobs.list("tenant", 2, statuses=[JobStatus.FAILED]) == failed[::-1]


def test_a_list_that_goes_on_after_a_code_keeps_to_the_statuses(jobs: JobStore) -> None:
    failed = _create_some(jobs, 3, status=JobStatus.FAILED)
    _create_some(jobs, 3)
    assert jobs.list("tenant", 10, failed[1].code, [JobStatus.FAILED]) == failed[:1]


@pytest.mark.parametrize("name", ["Ann", "O'Neil & Söhne", "' or '1' eq '1", "%20+?#/\\🙂\u2028\uffff", "a" * 100])
def test_a_list_can_be_limited_to_a_caller_and_to_a_schedule(jobs: JobStore, name: str) -> None:
    first = _create(jobs, created_by=name, schedule_code="5" * 20)
    second = _create(jobs, NOON + timedelta(seconds=1), created_by=name, status=JobStatus.FAILED)
    _create(jobs, created_by=f"{name}2", schedule_code="6" * 20)
    _create(jobs)
    assert jobs.list("tenant", 10, created_by=name) == [second, first]
    assert jobs.list("tenant", 1, created_by=name) == [second]
    assert jobs.list("tenant", 10, second.code, created_by=name) == [first]
    assert jobs.list("tenant", 10, statuses=[JobStatus.FAILED], created_by=name) == [second]
    assert jobs.list("tenant", 10, schedule_code="5" * 20) == [first]
    assert jobs.list("tenant", 10, created_by=name, schedule_code="6" * 20) == []
    assert jobs.list("other", 10, created_by=name) == []


@pytest.mark.parametrize("other", ["other", "tenan", "tenant2", "tenant' or '1' eq '1"])
def test_a_tenant_cannot_list_the_jobs_of_another(jobs: JobStore, other: str) -> None:
    _create_some(jobs, 2)
    assert jobs.list(other, 10) == []


def test_the_list_shows_jobs_as_they_are_now(jobs: JobStore) -> None:
    job = _create(jobs)
    changed = jobs.change("tenant", job.code, lambda job: job.begin(NOON))
    assert jobs.list("tenant", 1) == [changed]


@pytest.mark.thorough
def test_lists_and_quotas_of_a_thousand_jobs_are_right_and_take_few_requests(
    jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = count()
    rare = _create(jobs, NOON - timedelta(days=1), status=JobStatus.FAILED)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: _create(jobs, NOON + timedelta(seconds=next(numbers))), range(1_100)))

    with counted_requests(monkeypatch) as sent:
        assert jobs.list("tenant", 10, statuses=[JobStatus.FAILED]) == [rare]
        assert [job.created_date for job in jobs.list("tenant", 2)] == [
            NOON + timedelta(seconds=second) for second in (1_099, 1_098)
        ]
        with pytest.raises(QuotaExceededError):
            jobs.require_room("tenant", Quota(5_000, 1_100), NOON)
        jobs.require_room("tenant", Quota(1_101, 1_101), NOON)
    assert len(sent) <= 8


@pytest.mark.parametrize(
    "damage", [{"spec": b"garbage"}, {"status": "Lost"}, {"createdDate": "long ago"}, {"notify": '{"x": "secret"}'}]
)
def test_a_damaged_job_is_logged_and_left_out_of_the_list(
    account: StorageAccount, caplog: pytest.LogCaptureFixture, damage: dict[str, Any]
) -> None:
    name = f"jobs{uuid4().hex}"
    store = TableJobStore(account, name)
    first, damaged, third = _create_some(store, 3)
    account.tables.get_table_client(name).update_entity({"PartitionKey": "tenant", "RowKey": damaged.code, **damage})

    assert store.list("tenant", 2) == [third, first]
    assert store.list("tenant", 10, after=third.code) == [first]
    assert f"kind=job partition=tenant row={damaged.code}" in caplog.text
    assert "secret" not in caplog.text


def test_a_damaged_job_exists_and_is_logged(account: StorageAccount, caplog: pytest.LogCaptureFixture) -> None:
    name = f"jobs{uuid4().hex}"
    store = TableJobStore(account, name)
    job = _create(store)
    row = {"PartitionKey": "tenant", "RowKey": job.code, "spec": b"garbage"}
    account.tables.get_table_client(name).update_entity(row)
    assert store.exists("tenant", job.code)
    assert f"kind=job partition=tenant row={job.code}" in caplog.text


def test_a_damaged_row_is_told_once_in_five_minutes_however_often_it_is_listed(
    account: StorageAccount, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, clock = f"jobs{uuid4().hex}", [0.0]
    monkeypatch.setattr("exports.adapters.storage.table_adapter.monotonic", lambda: clock[0])
    store = TableJobStore(account, name)
    damaged = _create_some(store, 2)
    for job in damaged:
        row = {"PartitionKey": "tenant", "RowKey": job.code, "spec": b"garbage"}
        account.tables.get_table_client(name).update_entity(row)
    told = []

    for clock[0] in (0.0, 1.0, 299.0, 300.0, 301.0):
        assert store.list("tenant", 10) == []
        told.append(caplog.text.count("event=row.unreadable"))

    assert told == [2, 2, 2, 4, 4]


def test_an_unreachable_store_raises_a_retryable_error(unreachable: StorageAccount) -> None:
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        TableJobStore(unreachable).list("tenant", 1)
