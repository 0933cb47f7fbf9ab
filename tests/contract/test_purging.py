"""The contracts of the stores for purging a job, and for finding data that belongs to no job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from exports.adapters.storage.deliveries import TableDeliveryLog
from exports.adapters.storage.files import BlobFileStore
from exports.adapters.storage.idempotency import TableIdempotencyStore
from exports.adapters.storage.jobs import TableJobStore
from exports.adapters.storage.pages import TablePageLedger
from exports.errors import StorageUnavailableError
from exports.file.page_record import PageRecord
from exports.jobs.job import Job, JobRef
from exports.ports.files import FileStore
from exports.ports.idempotency import IdempotencyStore
from exports.ports.jobs import JobStore
from exports.ports.pages import PageLedger
from exports.request.idempotency import IdempotencyRecord, hash_of_key
from shared.storage import StorageAccount
from tests.contract.either_store import memory_or_azurite
from tests.support.builders import NOON, a_job
from tests.support.fake_files import MemoryFileStore
from tests.support.fake_idempotency import MemoryIdempotencyStore
from tests.support.fake_jobs import MemoryJobStore
from tests.support.fake_pages import MemoryPageLedger

jobs = memory_or_azurite(MemoryJobStore, TableJobStore)
pages = memory_or_azurite(MemoryPageLedger, TablePageLedger)
files = memory_or_azurite(MemoryFileStore, BlobFileStore)
requests = memory_or_azurite(MemoryIdempotencyStore, TableIdempotencyStore)


def _of(job: Job | JobRef) -> tuple[str, str]:
    return job.tenant, job.code


def _page(number: int) -> PageRecord:
    return PageRecord(number, 1, 1, "0" * 64, "0")


# --- jobs ---


def test_purging_a_job_leaves_the_others(jobs: JobStore) -> None:
    job, other = a_job(), a_job()
    for each in (job, other):
        jobs.create(each)
    jobs.purge(*_of(job))
    jobs.purge(*_of(job))
    assert (jobs.get(*_of(job)), jobs.get(*_of(other))) == (None, other)


def test_a_removed_file_and_the_retries_of_a_job_are_stored(jobs: JobStore) -> None:
    job = replace(a_job().cancel(NOON), file_removed=True, retries=2)
    jobs.create(job)
    assert jobs.get(*_of(job)) == job


# --- page records ---


@pytest.mark.parametrize("count", [0, 1, 230])
def test_purging_page_records_leaves_those_of_other_jobs(pages: PageLedger, count: int) -> None:
    job, other = a_job().ref, a_job().ref
    for number in range(count):
        pages.record(job, _page(number))
    pages.record(other, _page(0))
    pages.purge(job)
    pages.purge(job)
    assert list(pages.records(job)) == []
    assert list(pages.records(other)) == [_page(0)]


def test_all_jobs_with_page_records_are_found_by_cursor(pages: PageLedger) -> None:
    jobs = [a_job(tenant=tenant).ref for tenant in ("a", "ab", "b", "b")]
    for job in jobs:
        for number in range(3):
            pages.record(job, _page(number))
    found, cursor = [], ""
    while following := pages.next_job(cursor):
        job, cursor = following
        found.append(_of(job))
    assert sorted(found) == sorted(map(_of, jobs))


# --- blobs ---


def _fill(files: FileStore, job: Job) -> None:
    files.save_plan(job.ref, b"{}")
    files.save_manifest(job.ref, b"{}")
    files.stage(job.file_path, "1", b"abc")
    files.commit(job.file_path, ["1"])
    files.stage(job.file_path, "2", b"more")


def test_purging_blobs_leaves_none_of_the_job_and_all_of_others(files: FileStore) -> None:
    job, other = a_job(tenant="tenant"), a_job(tenant="tenant")
    for each in (job, other):
        _fill(files, each)
    files.purge(job.ref)
    files.purge(job.ref)
    assert files.get_state(job.file_path).blocks == {}
    assert files.get_state(other.file_path).blocks == {"1": 3, "2": 4}
    assert [_of(each) for each in files.sweep("", 100)[0]] == [_of(other)]


def test_blocks_that_were_never_published_are_found_and_purged(files: FileStore) -> None:
    job = a_job()
    files.stage(job.file_path, "1", b"abc")
    assert [_of(each) for each in files.sweep("", 100)[0]] == [_of(job)]
    files.purge(job.ref)
    assert files.sweep("", 100)[0] == []


@pytest.mark.parametrize("limit", [1, 4, 100])
def test_a_sweep_over_blobs_finds_every_job(files: FileStore, limit: int) -> None:
    jobs = [a_job() for _ in range(5)]
    for job in jobs:
        _fill(files, job)
    found, cursor = set(), ""
    for _ in range(100):
        some, cursor = files.sweep(cursor, limit)
        assert len(some) <= limit
        found |= set(map(_of, some))
        if not cursor:
            break
    assert found == set(map(_of, jobs))


# --- idempotency records ---


@pytest.mark.parametrize("limit", [1, 2, 4, 100])
def test_a_sweep_over_idempotency_records_finds_every_record(requests: IdempotencyStore, limit: int) -> None:
    keys = [(tenant, str(number)) for tenant in ("a", "ab", "b") for number in range(2)]
    records = [IdempotencyRecord(tenant, hash_of_key(key), "0" * 64, a_job().code, NOON) for tenant, key in keys]
    for record in records:
        requests.claim(record)
    found: list[IdempotencyRecord] = []
    cursor = ""
    for _ in range(100):
        some, cursor = requests.sweep(cursor, limit)
        found += some
        if not cursor:
            break
    assert sorted(map(str, found)) == sorted(map(str, records))


def test_a_forgotten_key_can_be_claimed_by_another_request(requests: IdempotencyStore) -> None:
    record = IdempotencyRecord("tenant", hash_of_key("key"), "0" * 64, a_job().code, NOON)
    requests.claim(record)
    requests.forget(record)
    requests.forget(record)
    other = replace(record, body_hash="1" * 64)
    assert requests.claim(other) == other


@pytest.mark.parametrize(
    "use",
    [
        lambda account: TableJobStore(account).purge("tenant", "code"),
        lambda account: TablePageLedger(account).purge(a_job().ref),
        lambda account: TablePageLedger(account).next_job(""),
        lambda account: BlobFileStore(account).purge(a_job().ref),
        lambda account: BlobFileStore(account).sweep("", 1),
        lambda account: TableIdempotencyStore(account).sweep("", 1),
        lambda account: TableDeliveryLog(account).purge("tenant", "code"),
    ],
    ids=["jobs", "pages", "next job", "files", "sweep", "requests", "deliveries"],
)
def test_an_unreachable_store_raises_a_retryable_error(
    unreachable: StorageAccount, use: Callable[[StorageAccount], object]
) -> None:
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        use(unreachable)
