"""The contract of `JobStore` for quotas, tested on the fake and on the real adapter."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import cycle
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from azure.data.tables import TableClient, UpdateMode

from exports.adapters.storage.jobs import TableJobStore
from exports.errors import QuotaExceededError
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

TENANT = "tenant"
WIDE = 10_000

jobs = memory_or_azurite(MemoryJobStore, TableJobStore)


class KilledError(BaseException):
    """The process ends here."""


def _job(created: datetime = NOON, **changes: Any) -> Job:
    return a_job(**{"tenant": TENANT, "code": new_job_code(created), "created_date": created, **changes})


def _start(jobs: JobStore, quota: Quota, created: datetime = NOON) -> Job | None:
    """Start a job; return None if the quota refuses it."""
    job = _job(created)
    try:
        assert jobs.create(job, quota)
    except QuotaExceededError:
        return None
    return job


def _end(jobs: JobStore, job: Job) -> None:
    jobs.change(TENANT, job.code, lambda job: job.cancel(NOON))


def _resume(jobs: JobStore, job: Job, quota: Quota, now: datetime = NOON) -> bool:
    try:
        jobs.change(TENANT, job.code, lambda job: job.resume(), restart=(quota, now))
    except QuotaExceededError:
        return False
    return True


def _has_room(jobs: JobStore, quota: Quota, now: datetime = NOON) -> bool:
    try:
        jobs.require_room(TENANT, quota, now)
    except QuotaExceededError:
        return False
    return True


# --- active jobs ---


def test_a_job_beyond_the_active_ones_is_refused_and_not_stored(jobs: JobStore) -> None:
    quota = Quota(2, WIDE)
    started = [_start(jobs, quota) for _ in range(2)]
    assert not _has_room(jobs, quota)
    assert _start(jobs, quota) is None
    assert {job.code for job in jobs.list(TENANT, 10)} == {job.code for job in started if job}


def test_every_job_that_ends_makes_room_for_one(jobs: JobStore) -> None:
    quota = Quota(2, WIDE)
    running = [_start(jobs, quota), _start(jobs, quota)]
    for _ in range(5):
        if job := running.pop(0):
            _end(jobs, job)
        assert _has_room(jobs, quota)
        running.append(_start(jobs, quota))
        assert running[-1]
        assert _start(jobs, quota) is None


def test_a_resumed_job_is_active_again_and_needs_room(jobs: JobStore) -> None:
    quota = Quota(1, WIDE)
    job = _start(jobs, quota)
    assert job
    _end(jobs, job)
    assert _resume(jobs, job, quota)
    assert _start(jobs, quota) is None
    _end(jobs, job)
    assert _start(jobs, quota)
    assert not _resume(jobs, job, quota)
    found = jobs.get(TENANT, job.code)
    assert found
    assert found.status is JobStatus.CANCELLED


def test_an_old_job_that_is_resumed_counts_as_active(jobs: JobStore) -> None:
    old = _start(jobs, Quota(9, WIDE), NOON - timedelta(days=40))
    assert old
    _end(jobs, old)
    assert _resume(jobs, old, Quota(9, WIDE))
    assert _start(jobs, Quota(1, WIDE)) is None


def test_jobs_that_were_stored_before_anything_was_counted_count(jobs: JobStore) -> None:
    for status in (JobStatus.QUEUED, JobStatus.IN_PROGRESS, JobStatus.COMPLETED):
        for age in (0, 1, 9):
            created = NOON - timedelta(days=age)
            assert jobs.create(_job(created, status=status))
    assert not _has_room(jobs, Quota(6, WIDE))
    assert not _has_room(jobs, Quota(WIDE, 3))
    assert _start(jobs, Quota(7, 4))
    assert _start(jobs, Quota(WIDE, 4)) is None
    assert _start(jobs, Quota(7, WIDE)) is None


# --- jobs a day ---


def test_a_tenant_at_its_daily_limit_starts_again_after_midnight(jobs: JobStore) -> None:
    quota = Quota(WIDE, 2)
    evening, midnight = NOON.replace(hour=23, minute=59, second=59), NOON.replace(hour=0) + timedelta(days=1)
    assert [bool(_start(jobs, quota, evening)) for _ in range(3)] == [True, True, False]
    assert not _has_room(jobs, quota, evening)
    assert _has_room(jobs, quota, midnight)
    assert [bool(_start(jobs, quota, midnight)) for _ in range(3)] == [True, True, False]


def test_a_resume_counts_as_a_start_of_its_day(jobs: JobStore) -> None:
    quota, tomorrow = Quota(WIDE, 3), NOON + timedelta(days=1)
    job = _start(jobs, quota)
    assert job
    _end(jobs, job)
    for is_allowed in (True, True, False):
        assert _resume(jobs, job, quota) == is_allowed
        _end(jobs, job)
    assert not _has_room(jobs, quota)
    assert _start(jobs, quota) is None
    assert _resume(jobs, job, quota, tomorrow)
    assert [bool(_start(jobs, quota, tomorrow)) for _ in range(3)] == [True, True, False]


def test_jobs_that_ended_or_were_purged_still_count_for_their_day(jobs: JobStore) -> None:
    quota = Quota(WIDE, 2)
    for _ in range(2):
        job = _start(jobs, quota)
        assert job
        _end(jobs, job)
        jobs.purge(TENANT, job.code)
    assert _start(jobs, quota) is None


@pytest.mark.parametrize("quota", [Quota(1, WIDE), Quota(WIDE, 1)], ids=["active", "day"])
def test_the_quota_of_one_tenant_does_not_affect_another(jobs: JobStore, quota: Quota) -> None:
    assert jobs.create(a_job(tenant="other"), quota)
    assert _start(jobs, quota)


# --- on Table Storage: many at once, over processes ---


@pytest.fixture
def table() -> str:
    return f"quotas{uuid4().hex}"


@pytest.mark.parametrize("quota", [Quota(7, WIDE), Quota(WIDE, 7)], ids=["active", "day"])
def test_of_sixty_requests_at_once_to_three_processes_exactly_the_quota_starts(
    account: StorageAccount, table: str, quota: Quota
) -> None:
    """Each store knows as little of the others as one of another process or host does."""
    stores = [TableJobStore(account, table) for _ in range(3)]
    stores[0].check()
    for store, _ in zip(cycle(stores), range(4), strict=False):
        assert _start(store, quota)
    with ThreadPoolExecutor(60) as pool:
        started = list(pool.map(lambda store: _start(store, quota), stores * 20))
    assert sum(map(bool, started)) == 3
    assert len(stores[1].list(TENANT, 100)) == 7


def test_requests_at_once_over_midnight_start_exactly_the_quota_of_each_day(
    account: StorageAccount, table: str
) -> None:
    quota, midnight = Quota(WIDE, 5), NOON.replace(hour=0)
    stores = [TableJobStore(account, table) for _ in range(3)]
    stores[0].check()
    moments = [midnight + timedelta(milliseconds=offset) for offset in (-3, -2, -1)]
    with ThreadPoolExecutor(30) as pool:
        before = list(pool.map(lambda each: _start(*each), zip(stores * 4, [quota] * 12, moments * 4, strict=True)))
        after = list(pool.map(lambda store: _start(store, quota, midnight), stores * 4))
        late = list(pool.map(lambda store: _start(store, quota, midnight - timedelta(seconds=9)), stores))
    assert [sum(map(bool, day)) for day in (before, after, late)] == [5, 5, 0]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in (1, 2, 3))])
def test_no_kill_between_two_effects_loses_or_leaks_a_slot(
    account: StorageAccount, table: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random, quota = Random(seed), Quota(3, WIDE)
    stores = [TableJobStore(account, table) for _ in range(2)]
    ended: list[Job] = []
    for _ in range(60):
        which = random.randrange(2)
        active = [job for job in stores[0].list(TENANT, 200) if job.status is JobStatus.QUEUED]
        match random.choice(("start", "start", "end", "resume", "killed")):
            case "start":
                assert bool(_start(stores[which], quota)) == (len(active) < 3)
            case "end" if active:
                ended.append(random.choice(active))
                _end(stores[which], ended[-1])
            case "resume" if ended:
                job = ended[-1]
                assert _resume(stores[which], job, quota) == (len(active) < 3)
                if len(active) < 3:
                    ended.remove(job)
            case "killed" if len(active) < 3:
                _be_killed(stores[which], quota, monkeypatch, after_write=random.random() < 0.5)
                stores[which] = TableJobStore(account, table)
    active = [job for job in stores[0].list(TENANT, 200) if job.status is JobStatus.QUEUED]
    rest = [_start(stores[0], quota) for _ in range(4 - len(active))]
    assert [bool(job) for job in rest] == [True] * (3 - len(active)) + [False]


def _be_killed(store: JobStore, quota: Quota, monkeypatch: pytest.MonkeyPatch, *, after_write: bool) -> None:
    submit = TableClient.submit_transaction

    def killed(self: TableClient, *args: Any, **options: Any) -> None:
        if after_write:
            submit(self, *args, **options)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(TableClient, "submit_transaction", killed)
        with pytest.raises(KilledError):
            _start(store, quota)


# --- on Table Storage: what it costs ---


def test_a_start_within_the_quota_is_one_request_for_a_process_alone(
    account: StorageAccount, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota, store = Quota(WIDE, WIDE), TableJobStore(account, table)
    assert _start(store, quota)
    with counted_requests(monkeypatch) as sent:
        for _ in range(5):
            assert _has_room(store, quota)
            assert _start(store, quota)
    assert len(sent) == 5


def test_a_start_is_two_requests_where_processes_take_turns(
    account: StorageAccount, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota, stores = Quota(WIDE, WIDE), [TableJobStore(account, table) for _ in range(2)]
    for store in stores * 2:
        assert _has_room(store, quota)
        assert _start(store, quota)
    with counted_requests(monkeypatch) as sent:
        for store in stores * 3:
            assert _has_room(store, quota)
            assert _start(store, quota)
    assert len(sent) == 12


def test_a_refused_request_is_one_request_at_most(
    account: StorageAccount, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TableJobStore(account, table)
    assert _start(store, Quota(WIDE, WIDE))
    with counted_requests(monkeypatch) as sent:
        assert not _has_room(store, Quota(1, WIDE))
        assert len(sent) == 1
        assert not _has_room(store, Quota(WIDE, 1))
    assert len(sent) == 1


# --- on Table Storage: odd rows ---


@pytest.mark.parametrize("damage", [{"day": "long ago"}, {"created": "many"}, {"active": None}, "deleted"], ids=str)
def test_a_damaged_or_deleted_count_is_made_again_from_the_jobs(
    account: StorageAccount, table: str, damage: dict[str, Any] | str
) -> None:
    quota, store = Quota(2, WIDE), TableJobStore(account, table)
    assert _start(store, quota)
    rows, keys = account.tables.get_table_client(table), {"PartitionKey": TENANT, "RowKey": "quota"}
    if isinstance(damage, str):
        rows.delete_entity(keys)
    else:
        rows.upsert_entity({**keys, **damage}, UpdateMode.REPLACE)
    for each in (store, TableJobStore(account, table)):
        assert bool(_start(each, quota)) == (each is store)


def test_lists_never_show_the_row_that_counts(account: StorageAccount, table: str) -> None:
    store = TableJobStore(account, table)
    job = _start(store, Quota(1, 1))
    assert job
    assert [found.code for found in store.list(TENANT, 10)] == [job.code]
    assert store.list(TENANT, 10, after=job.code) == []


@pytest.mark.parametrize("hours", [1, 20])
def test_a_host_whose_clock_is_behind_counts_for_the_day_that_has_begun(
    account: StorageAccount, table: str, hours: int
) -> None:
    quota, midnight = Quota(WIDE, 1), datetime(2026, 3, 1, tzinfo=UTC)
    assert _start(TableJobStore(account, table), quota, midnight)
    assert _start(TableJobStore(account, table), quota, midnight - timedelta(hours=hours)) is None
