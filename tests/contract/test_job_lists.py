"""The contract of `JobStore` for lists and counts, tested on the fake and on the real adapter."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import unquote_plus
from uuid import uuid4

import pytest

from exports.adapters.storage.jobs import TableJobStore
from exports.errors import StorageUnavailableError
from exports.jobs.codes import new_job_code
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.ports.jobs import CountWindow, JobStore
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


def test_a_list_goes_on_after_a_code_that_no_job_has(jobs: JobStore) -> None:
    first, second = _create_some(jobs, 2)
    between = new_job_code(second.created_date - timedelta(milliseconds=1))
    assert jobs.list("tenant", 10, after=between) == [first]


def test_a_list_can_be_limited_to_some_statuses(jobs: JobStore) -> None:
    for status in JobStatus:
        _create(jobs, status=status)
    for wanted in ([JobStatus.FAILED], BOTH_ACTIVE, list(JobStatus)):
        assert {job.status for job in jobs.list("tenant", 10, statuses=wanted)} == set(wanted)


def test_the_limit_counts_only_jobs_with_the_wanted_statuses(jobs: JobStore) -> None:
    failed = _create_some(jobs, 2, status=JobStatus.FAILED)
    _create_some(jobs, 5)
    assert jobs.list("tenant", 2, statuses=[JobStatus.FAILED]) == failed[::-1]


def test_a_list_that_goes_on_after_a_code_keeps_to_the_statuses(jobs: JobStore) -> None:
    failed = _create_some(jobs, 3, status=JobStatus.FAILED)
    _create_some(jobs, 3)
    assert jobs.list("tenant", 10, failed[1].code, [JobStatus.FAILED]) == failed[:1]


@pytest.mark.parametrize("other", ["other", "tenan", "tenant2", "tenant' or '1' eq '1"])
def test_a_tenant_cannot_list_the_jobs_of_another(jobs: JobStore, other: str) -> None:
    _create_some(jobs, 2)
    assert jobs.list(other, 10) == []
    assert _created(jobs, tenant=other) == 0


def test_the_list_shows_jobs_as_they_are_now(jobs: JobStore) -> None:
    job = _create(jobs)
    changed = jobs.change("tenant", job.code, lambda job: job.begin(NOON))
    assert jobs.list("tenant", 1) == [changed]


def test_lists_and_counts_of_a_thousand_jobs_are_right_and_take_few_requests(
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
        assert _created(jobs, 5_000) == 1_100
        assert _active(jobs, at_most=5_000) == 1_100
    assert len(sent) <= 7


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
    assert f"event=job.unreadable partition=tenant row={damaged.code}" in caplog.text
    assert "secret" not in caplog.text


# --- count ---


def _created(jobs: JobStore, at_most: int = 10, tenant: str = "tenant") -> int:
    return jobs.count(tenant, active=CountWindow(MIDNIGHT, 10_000), created=CountWindow(MIDNIGHT, at_most))[1]


def _active(jobs: JobStore, since: datetime = MIDNIGHT, at_most: int = 10, created_since: datetime = MIDNIGHT) -> int:
    return jobs.count("tenant", active=CountWindow(since, at_most), created=CountWindow(created_since, 10_000))[0]


def test_without_jobs_the_count_is_zero(jobs: JobStore) -> None:
    assert jobs.count("tenant", CountWindow(MIDNIGHT, 10), CountWindow(MIDNIGHT, 10)) == (0, 0)


def test_only_jobs_created_since_the_moment_count(jobs: JobStore) -> None:
    for offset in (-86_400_000, -1, 0, 1, 43_200_000):
        _create(jobs, MIDNIGHT + timedelta(milliseconds=offset))
    assert (_created(jobs), _active(jobs)) == (3, 3)


def test_only_queued_and_running_jobs_count_as_active(jobs: JobStore) -> None:
    for status in JobStatus:
        _create(jobs, status=status)
    assert (_active(jobs), _created(jobs)) == (2, len(JobStatus))


@pytest.mark.parametrize("days", [1, 3, 5])
def test_active_jobs_are_counted_in_their_own_window(jobs: JobStore, days: int) -> None:
    for status in (JobStatus.QUEUED, JobStatus.FAILED):
        for age in (0, 2, 4):
            _create(jobs, NOON - timedelta(days=age), status=status)
    active = _active(jobs, NOON - timedelta(days=days))
    assert (active, _active(jobs, created_since=NOON - timedelta(days=9))) == ((days + 1) // 2, 1)


@pytest.mark.parametrize("at_most", [1, 2, 3])
def test_a_count_is_right_up_to_the_largest_number_that_matters(jobs: JobStore, at_most: int) -> None:
    _create_some(jobs, 4)
    assert _created(jobs, at_most) >= at_most
    assert _active(jobs, at_most=at_most) >= at_most


def test_every_tenant_has_its_own_count(jobs: JobStore) -> None:
    _create_some(jobs, 2)
    _create(jobs, tenant="other")
    assert (_created(jobs), _created(jobs, tenant="other")) == (2, 1)


def test_a_repeated_count_reads_only_the_jobs_of_the_last_minute(
    account: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TableJobStore(account, f"jobs{uuid4().hex}")
    done = [_create(store, NOON + timedelta(minutes=minute), status=JobStatus.COMPLETED) for minute in range(4)]
    assert _created(store) == 4
    done.append(_create(store, NOON + timedelta(minutes=4), status=JobStatus.COMPLETED))
    with counted_requests(monkeypatch) as sent:
        assert [_created(store), _created(store)] == [5, 5]
    # codes sort newest first: the queries ask for jobs of the last minute before the newest job that was counted
    asked = [re.findall("RowKey le '([^']+)'", unquote_plus(url))[0] for url in sent]
    assert len(asked) == 2
    assert done[3].code < asked[0] < done[1].code
    assert done[4].code < asked[1] < done[2].code


@pytest.mark.parametrize("seconds_late", [0, 1, 59])
def test_a_job_that_is_stored_late_counts_if_a_minute_has_not_passed(jobs: JobStore, seconds_late: int) -> None:
    _create(jobs, NOON)
    assert _created(jobs) == 1
    _create(jobs, NOON - timedelta(seconds=seconds_late))
    assert _created(jobs) == 2


def test_a_job_that_is_stored_very_late_counts_after_ten_minutes(
    jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    _create(jobs, NOON)
    assert _created(jobs) == 1
    _create(jobs, NOON - timedelta(hours=1))
    began = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 601)
    assert _created(jobs) == 2


def test_a_repeated_count_still_stops_at_the_largest_number_that_matters(jobs: JobStore) -> None:
    for minute in range(4):
        _create(jobs, NOON + timedelta(minutes=minute))
    assert _created(jobs) == 4
    assert _created(jobs, 3) >= 3
    assert _created(jobs) == 4


def test_an_older_job_that_ends_no_longer_counts_as_active(jobs: JobStore) -> None:
    old = _create(jobs, NOON)
    _create(jobs, NOON + timedelta(minutes=9))
    assert _active(jobs) == 2
    jobs.change("tenant", old.code, lambda job: job.cancel(NOON))
    assert (_active(jobs), _created(jobs)) == (1, 2)


@pytest.mark.parametrize(
    "use",
    [lambda jobs: jobs.list("tenant", 1), _created],
    ids=["list", "count"],
)
def test_an_unreachable_store_raises_a_retryable_error(
    unreachable: StorageAccount, use: Callable[[JobStore], object]
) -> None:
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        use(TableJobStore(unreachable))
