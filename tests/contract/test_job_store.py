"""The contract of `JobStore`, tested on the fake and on the real adapter."""

from __future__ import annotations

import string
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest

from exports.adapters.storage.jobs import TableJobStore
from exports.errors import JobNotFoundError, StorageUnavailableError
from exports.jobs.failures import Failure
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.ports.jobs import JobStore
from exports.request.body import NotifyDto
from exports.request.columns import ColumnMapping
from exports.request.fields import ClientStatus, TargetField
from exports.request.filters import ClientFilter
from shared.storage import StorageAccount
from tests.contract.either_store import memory_or_azurite
from tests.support.builders import NOON, a_job, a_spec
from tests.support.every_field import with_every_field
from tests.support.fake_jobs import MemoryJobStore

jobs = memory_or_azurite(MemoryJobStore, TableJobStore)


def _stored(jobs: JobStore, job: Job) -> Job | None:
    return jobs.get(job.tenant, job.code)


def _settle_one_more(job: Job) -> Job:
    return job.settle(job.settled_pages + 1, job.settled_items + 10)


def test_a_created_job_is_found(jobs: JobStore) -> None:
    job = a_job()
    assert jobs.create(job)
    assert _stored(jobs, job) == job


def test_creating_a_job_twice_changes_nothing(jobs: JobStore) -> None:
    job = a_job()
    jobs.create(job)
    assert not jobs.create(replace(job, file_name="other.csv"))
    assert _stored(jobs, job) == job


def test_of_many_concurrent_creations_one_succeeds(jobs: JobStore) -> None:
    job = a_job()
    attempts = [replace(job, file_name=f"{number}.csv") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(jobs.create, attempts))
    assert created.count(True) == 1
    assert _stored(jobs, job) == attempts[created.index(True)]


def test_an_unknown_job_is_not_found(jobs: JobStore) -> None:
    job = a_job()
    assert _stored(jobs, job) is None


def test_a_job_exists_from_its_creation_until_it_is_purged(jobs: JobStore) -> None:
    job = a_job()
    assert not jobs.exists(job.tenant, job.code)
    jobs.create(job)
    assert jobs.exists(job.tenant, job.code)
    jobs.purge(job.tenant, job.code)
    assert not jobs.exists(job.tenant, job.code)


def test_a_job_is_not_found_under_another_tenant(jobs: JobStore) -> None:
    job = a_job()
    jobs.create(job)
    assert jobs.get(a_job().tenant, job.code) is None


def test_tenants_may_have_jobs_with_the_same_code(jobs: JobStore) -> None:
    job = a_job()
    twin = replace(job, tenant=a_job().tenant, file_name="twin.csv")
    assert jobs.create(job)
    assert jobs.create(twin)
    assert _stored(jobs, twin) == twin


def test_changing_an_unknown_job_is_an_error(jobs: JobStore) -> None:
    job = a_job()
    with pytest.raises(JobNotFoundError):
        jobs.change(job.tenant, job.code, _settle_one_more)
    assert _stored(jobs, job) is None


def test_a_change_is_stored_and_returned(jobs: JobStore) -> None:
    job = a_job()
    jobs.create(job)
    changed = jobs.change(job.tenant, job.code, lambda job: job.begin(NOON))
    assert changed.status is JobStatus.IN_PROGRESS
    assert _stored(jobs, job) == changed


def test_a_change_can_remove_a_value(jobs: JobStore) -> None:
    job = a_job(total_items=5, completed_date=NOON)
    jobs.create(job)
    jobs.change(job.tenant, job.code, lambda job: replace(job, total_items=None, completed_date=None))
    assert _stored(jobs, job) == replace(job, total_items=None, completed_date=None)


def test_an_error_in_a_change_passes_through_and_nothing_is_written(jobs: JobStore) -> None:
    job = a_job()
    jobs.create(job)

    def refuse(_: Job) -> Job:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        jobs.change(job.tenant, job.code, refuse)
    assert _stored(jobs, job) == job


def test_a_change_is_repeated_if_the_job_has_changed_since_it_was_read(jobs: JobStore) -> None:
    job = a_job()
    jobs.create(job)
    read: list[int] = []

    def changed_once_meanwhile(job: Job) -> Job:
        if not read:
            jobs.change(job.tenant, job.code, _settle_one_more)
        read.append(job.settled_pages)
        return _settle_one_more(job)

    jobs.change(job.tenant, job.code, changed_once_meanwhile)
    assert read == [0, 1]
    assert jobs.change(job.tenant, job.code, lambda job: job).settled_pages == 2


def test_concurrent_changes_lose_nothing(jobs: JobStore) -> None:
    job = a_job()
    jobs.create(job)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: jobs.change(job.tenant, job.code, _settle_one_more), range(24)))
    stored = _stored(jobs, job)
    assert stored is not None
    assert (stored.settled_pages, stored.settled_items) == (24, 240)


def test_a_change_of_an_expected_job_reads_it_again_only_if_it_has_changed(jobs: JobStore) -> None:
    jobs.create(job := a_job())
    expected = jobs.get(job.tenant, job.code)
    first = jobs.change(job.tenant, job.code, _settle_one_more, expected)
    second = jobs.change(job.tenant, job.code, _settle_one_more, first)
    assert (first.settled_pages, second.settled_pages) == (1, 2)
    assert jobs.change(job.tenant, job.code, _settle_one_more, expected).settled_pages == 3


def test_a_change_of_an_expected_job_that_was_purged_is_an_error(jobs: JobStore) -> None:
    jobs.create(job := a_job())
    expected = jobs.get(job.tenant, job.code)
    jobs.purge(job.tenant, job.code)
    with pytest.raises(JobNotFoundError):
        jobs.change(job.tenant, job.code, _settle_one_more, expected)
    assert _stored(jobs, job) is None


def test_a_change_without_effect_returns_the_stored_job_and_not_the_expected_one(jobs: JobStore) -> None:
    jobs.create(job := a_job())
    expected = jobs.get(job.tenant, job.code)
    jobs.change(job.tenant, job.code, _settle_one_more)
    assert jobs.change(job.tenant, job.code, lambda job: job, expected).settled_pages == 1


def test_an_expected_job_without_a_version_is_read_before_it_is_changed(jobs: JobStore) -> None:
    jobs.create(job := a_job())
    jobs.change(job.tenant, job.code, _settle_one_more)
    assert jobs.change(job.tenant, job.code, _settle_one_more, job).settled_pages == 2


_FAILURE = Failure(code="source-mismatch", message="Ein Grund – mit „Zeichen“ 🙂", retryable=True, resumable=False)
_SPEC = a_spec(
    columns=(ColumnMapping(csv_header='Größe; "x"\n\'🙂', target_field=TargetField.NAME),),
    include_headers=False,
    filter=ClientFilter(
        manager_codes=("M1", "ü"),
        statuses=(ClientStatus.LOST_PROSPECT,),
        search="O'Brien",
        updated_since=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        updated_until=datetime(2026, 1, 2, 3, 4, 5, 678902, tzinfo=UTC),
    ),
)


@pytest.mark.parametrize(
    "changes",
    [
        {"spec": _SPEC},
        {"file_name": "Kunden – “Ä” 🙂.csv"},
        {"created_date": datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)},
        {"started_date": datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC)},
        {"completed_date": datetime(2026, 1, 31, 12, 0, 0, 999999, tzinfo=UTC)},
        {"expiry_date": datetime(2026, 7, 1, 0, 0, tzinfo=timezone(timedelta(hours=1)))},
        *({"status": status} for status in JobStatus),
        {"attempt": 7},
        {"total_items": 0},
        {"total_items": 2**31 + 5},
        {"settled_pages": 50_000},
        {"settled_items": 2**40},
        {"file_bytes": 2**53 + 1},
        {"failure": _FAILURE},
        {"schedule_code": "nightly", "downloaded_date": NOON},
        {"notify": NotifyDto(webhook_url="https://hooks.example/" + "a" * 1978)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_property_is_read_back_unchanged(jobs: JobStore, changes: dict[str, Any]) -> None:
    job = a_job(**changes)
    jobs.create(job)
    assert _stored(jobs, job) == job


def test_every_field_of_a_job_is_read_back_unchanged(jobs: JobStore) -> None:
    job = with_every_field(Job, omit=frozenset({"version"}))
    jobs.create(job)
    assert _stored(jobs, job) == job


def test_dates_are_read_back_as_plain_datetimes_in_utc(jobs: JobStore) -> None:
    job = a_job()
    jobs.create(job)
    stored = _stored(jobs, job)
    assert stored is not None
    assert type(stored.created_date) is datetime
    assert stored.created_date.utcoffset() == timedelta(0)


def test_a_specification_of_64_kib_fits(jobs: JobStore) -> None:
    letters = Random(1)
    codes = ["".join(letters.choices(string.printable[:94], k=90)) for _ in range(700)]
    job = a_job(spec=a_spec(filter=ClientFilter(manager_codes=tuple(codes))))
    assert len(job.spec.model_dump_json(exclude_defaults=True)) > 64 * 1024
    jobs.create(job)
    assert _stored(jobs, job) == job


def test_the_check_of_a_reachable_store_passes(jobs: JobStore) -> None:
    jobs.check()


@pytest.mark.parametrize(
    "use",
    [
        lambda jobs, job: jobs.create(job),
        lambda jobs, job: jobs.get(job.tenant, job.code),
        lambda jobs, job: jobs.exists(job.tenant, job.code),
        lambda jobs, job: jobs.change(job.tenant, job.code, _settle_one_more),
        lambda jobs, job: jobs.check(),
    ],
    ids=["create", "get", "exists", "change", "check"],
)
def test_an_unreachable_store_raises_a_retryable_error(
    unreachable: StorageAccount, use: Callable[[JobStore, Job], object]
) -> None:
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        use(TableJobStore(unreachable), a_job())
