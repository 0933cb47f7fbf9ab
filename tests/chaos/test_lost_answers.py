"""A write whose answer is lost has been done: the library's second try must not take it for somebody else's.

And an answer that does not come is not waited for.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exports.adapters.storage.jobs import TableJobStore
from exports.errors import NotResumableError, StorageUnavailableError
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from shared import storage as storage_module
from shared.storage import StorageAccount
from tests.chaos.schedule import Effect, StorageFault
from tests.chaos.storage import Storage
from tests.support.builders import NOON, a_job


@pytest.fixture(scope="module")
def jobs(storage: Storage) -> Iterator[TableJobStore]:
    """The store by way of the proxy."""
    account = StorageAccount(storage.connection_string)
    yield TableJobStore(account)
    account.tables.close()


def lose_the_answer(storage: Storage, operation: str) -> None:
    storage.proxy.arm([StorageFault(operation, skip=0, times=1, effect=Effect.CUT_AFTER)])


def resume_once(job: Job) -> Job:
    """As the step does: a job that goes on already is refused."""
    if not job.is_resumable:
        raise NotResumableError("It runs.")
    return job.resume()


def test_a_job_whose_insert_was_not_answered_is_ours(storage: Storage, jobs: TableJobStore) -> None:
    job = a_job()
    lose_the_answer(storage, "insert exportjobs")

    assert jobs.create(job)
    assert not jobs.create(job)


def test_a_resume_whose_write_was_not_answered_is_ours(storage: Storage, jobs: TableJobStore) -> None:
    job = a_job().cancel(NOON)
    jobs.create(job)
    lose_the_answer(storage, "update exportjobs")

    resumed = jobs.change(job.tenant, job.code, resume_once)

    assert (resumed.status, resumed.attempt) == (JobStatus.QUEUED, 2)
    with pytest.raises(NotResumableError):
        jobs.change(job.tenant, job.code, resume_once)


def test_a_table_that_does_not_answer_is_given_up(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert storage_module._TABLE_OPTIONS["read_timeout"] <= 60
    monkeypatch.setitem(storage_module._TABLE_OPTIONS, "read_timeout", 0.1)
    monkeypatch.setitem(storage_module._TABLE_OPTIONS, "retry_total", 0)
    storage.proxy.arm([StorageFault("find exportjobs", skip=0, times=1, effect=Effect.DELAYED, seconds=1)])
    account = StorageAccount(storage.connection_string)

    with pytest.raises(StorageUnavailableError):
        TableJobStore(account).get("tenant", "code")
    account.tables.close()
