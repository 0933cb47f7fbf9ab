"""The contract of `IdempotencyStore`, tested on the fake and on the real adapter."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from exports.adapters.storage.idempotency import TableIdempotencyStore
from exports.errors import StorageUnavailableError
from exports.jobs.codes import new_job_code
from exports.ports.idempotency import IdempotencyStore
from exports.request.idempotency import IdempotencyRecord, hash_of_key
from shared.storage import StorageAccount
from tests.contract.either_store import memory_or_azurite
from tests.support.builders import NOON
from tests.support.fake_idempotency import MemoryIdempotencyStore

requests = memory_or_azurite(MemoryIdempotencyStore, TableIdempotencyStore)


def _a_record(key: str = "key", tenant: str = "tenant") -> IdempotencyRecord:
    return IdempotencyRecord(tenant, hash_of_key(key), "0" * 64, new_job_code(NOON), NOON)


def test_an_unused_key_can_be_claimed(requests: IdempotencyStore) -> None:
    record = _a_record()
    assert requests.claim(record) == record
    assert requests.find(record.tenant, record.key_hash) == record


def test_an_unused_key_is_not_found(requests: IdempotencyStore) -> None:
    requests.claim(_a_record("another"))
    assert requests.find("tenant", _a_record().key_hash) is None


def test_the_first_claim_of_a_key_is_kept(requests: IdempotencyStore) -> None:
    first = _a_record()
    requests.claim(first)
    assert requests.claim(replace(_a_record(), body_hash="1" * 64)) == first
    assert requests.find("tenant", first.key_hash) == first


def test_claiming_again_gives_the_same_record(requests: IdempotencyStore) -> None:
    record = _a_record()
    assert [requests.claim(record) for _ in range(3)] == [record] * 3


def test_of_32_concurrent_claims_one_succeeds_and_all_get_its_record(requests: IdempotencyStore) -> None:
    candidates = [_a_record() for _ in range(32)]
    with ThreadPoolExecutor(32) as pool:
        returned = list(pool.map(requests.claim, candidates))
    assert len(set(returned)) == 1
    assert returned[0] in candidates
    assert requests.find("tenant", returned[0].key_hash) == returned[0]


def test_tenants_may_use_the_same_key(requests: IdempotencyStore) -> None:
    mine, theirs = _a_record(tenant="tenant"), _a_record(tenant="other")
    assert requests.claim(mine) == mine
    assert requests.claim(theirs) == theirs
    assert requests.find("tenant", mine.key_hash) == mine


@pytest.mark.parametrize(
    "created", [NOON, NOON + timedelta(microseconds=123_456), datetime(2026, 7, 1, tzinfo=UTC)], ids=str
)
def test_the_moment_is_read_back_as_a_plain_datetime_in_utc(requests: IdempotencyStore, created: datetime) -> None:
    record = replace(_a_record(), created_date=created)
    requests.claim(record)
    found = requests.claim(_a_record())
    assert found == record
    assert type(found.created_date) is datetime
    assert found.created_date.utcoffset() == timedelta(0)


def test_a_sweep_leaves_out_a_damaged_record_and_continues_after_it(
    account: StorageAccount, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"requests{uuid4().hex}"
    store = TableIdempotencyStore(account, name)
    first, damaged, last = sorted(map(_a_record, "abc"), key=lambda record: record.key_hash)
    for record in (first, damaged, last):
        store.claim(record)
    row = {"PartitionKey": "tenant", "RowKey": damaged.key_hash, "createdDate": "long ago"}
    account.tables.get_table_client(name).update_entity(row)

    found, cursor = store.sweep("", 2)
    assert found == [first]
    assert store.sweep(cursor, 2) == ([last], "")
    assert f"kind=key partition=tenant row={damaged.key_hash}" in caplog.text


@pytest.mark.parametrize(
    "use",
    [lambda requests: requests.claim(_a_record()), lambda requests: requests.find("tenant", "0")],
    ids=["claim", "find"],
)
def test_an_unreachable_store_raises_a_retryable_error(
    unreachable: StorageAccount, use: Callable[[IdempotencyStore], object]
) -> None:
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        use(TableIdempotencyStore(unreachable))
