"""If the response to a write is lost, the retry recognizes its own write; a missing response ends in a timeout."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exports.adapters.storage.jobs import TableJobStore
from exports.adapters.storage.schedules import TableScheduleStore
from exports.errors import NotResumableError, QuotaExceededError, StorageUnavailableError
from exports.jobs.job import Job
from exports.jobs.quota import Quota
from exports.jobs.states import JobStatus
from shared import storage as storage_module
from shared.storage import StorageAccount
from tests.chaos.schedule import Effect, StorageFault
from tests.chaos.storage import Storage
from tests.support.builders import NOON, a_job, a_schedule


@pytest.fixture(scope="module")
def jobs(storage: Storage) -> Iterator[TableJobStore]:
    """A job store that is connected through the proxy."""
    account = StorageAccount(storage.connection_string)
    yield TableJobStore(account)
    account.tables.close()


def lose_the_response(storage: Storage, operation: str) -> None:
    storage.proxy.arm([StorageFault(operation, skip=0, times=1, effect=Effect.CUT_AFTER)])


def resume_once(job: Job) -> Job:
    """Resume a job as the step does, which refuses a job that is already running."""
    if not job.is_resumable:
        raise NotResumableError("It is running.")
    return job.resume()


def test_an_insert_whose_response_is_lost_is_recognized_as_our_own(storage: Storage, jobs: TableJobStore) -> None:
    job = a_job()
    lose_the_response(storage, "insert exportjobs")

    assert jobs.create(job)
    assert not jobs.create(job)


def test_a_resume_whose_response_is_lost_is_recognized_as_our_own(storage: Storage, jobs: TableJobStore) -> None:
    job = a_job().cancel(NOON)
    jobs.create(job)
    lose_the_response(storage, "update exportjobs")

    resumed = jobs.change(job.tenant, job.code, resume_once)

    assert (resumed.status, resumed.attempt) == (JobStatus.QUEUED, 2)
    with pytest.raises(NotResumableError):
        jobs.change(job.tenant, job.code, resume_once)


def test_a_start_within_the_quota_whose_response_is_lost_counts_once(storage: Storage, jobs: TableJobStore) -> None:
    quota, first = Quota(2, 2), a_job()
    lose_the_response(storage, "insert exportjobs")

    assert jobs.create(first, quota)
    assert jobs.create(a_job(tenant=first.tenant), quota)
    with pytest.raises(QuotaExceededError):
        jobs.create(a_job(tenant=first.tenant), quota)


def test_a_start_that_uses_up_the_quota_and_whose_response_is_lost_succeeds(
    storage: Storage, jobs: TableJobStore
) -> None:
    lose_the_response(storage, "insert exportjobs")
    assert jobs.create(a_job(), Quota(1, 1))


def test_a_resume_within_the_quota_whose_response_is_lost_succeeds(storage: Storage, jobs: TableJobStore) -> None:
    job = a_job().cancel(NOON)
    jobs.create(job)
    lose_the_response(storage, "update exportjobs")

    resumed = jobs.change(job.tenant, job.code, resume_once, restart=(Quota(1, 2), NOON))

    assert (resumed.status, resumed.attempt) == (JobStatus.QUEUED, 2)
    with pytest.raises(QuotaExceededError):
        jobs.require_room(job.tenant, Quota(1, 9), NOON)


def test_a_deletion_of_a_schedule_whose_response_is_lost_is_done(storage: Storage) -> None:
    account, schedule = StorageAccount(storage.connection_string), a_schedule()
    schedules = TableScheduleStore(account)
    schedules.create(schedule)
    lose_the_response(storage, "delete exportschedules")

    schedules.delete(schedule.tenant, schedule.code, lambda _: None)

    assert schedules.get(schedule.tenant, schedule.code) is None
    account.tables.close()


def test_a_request_to_an_unresponsive_table_times_out(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert storage_module._TABLE_OPTIONS["read_timeout"] <= 60
    monkeypatch.setitem(storage_module._TABLE_OPTIONS, "read_timeout", 0.1)
    monkeypatch.setitem(storage_module._TABLE_OPTIONS, "retry_total", 0)
    storage.proxy.arm([StorageFault("find exportjobs", skip=0, times=1, effect=Effect.DELAYED, seconds=1)])
    account = StorageAccount(storage.connection_string)

    with pytest.raises(StorageUnavailableError):
        TableJobStore(account).get("tenant", "code")
    account.tables.close()
