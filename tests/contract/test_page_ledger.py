"""The contract of `PageLedger`, tested on the fake and on the real adapter."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from exports.adapters.storage.pages import TablePageLedger
from exports.errors import StorageUnavailableError
from exports.file.block_ids import block_id, digest
from exports.file.page_record import MAX_CODE_CHARS, PageBlock, PageRecord
from exports.jobs.job import JobRef
from exports.ports.pages import PageLedger
from shared.storage import StorageAccount
from tests.contract.either_store import memory_or_azurite
from tests.support.builders import a_job
from tests.support.counting import counted_requests
from tests.support.fake_pages import MemoryPageLedger

pages = memory_or_azurite(MemoryPageLedger, TablePageLedger)


def _a_record(page: int = 0, **changes: Any) -> PageRecord:
    sha256 = digest(f"page {page}".encode())
    return replace(PageRecord(page, rows=10, bytes=100, sha256=sha256, block=block_id(page, sha256)), **changes)


def _a_ref() -> JobRef:
    return a_job().ref


def test_a_recorded_page_is_found(pages: PageLedger) -> None:
    job, record = _a_ref(), _a_record(3)
    assert pages.record(job, record) == record
    assert pages.find(job, 3) == record


def test_a_page_without_record_is_not_found(pages: PageLedger) -> None:
    job = _a_ref()
    pages.record(job, _a_record(0))
    assert pages.find(job, 1) is None


@pytest.mark.parametrize(
    "record",
    [
        _a_record(bytes=2**33, rows=100_000, crc32=2**32 - 1, attempt=9, first_code="", last_code="Z" * MAX_CODE_CHARS),
        _a_record(attempt=1, first_code="\t🙂'\"", last_code="\x01é\n "),
        _a_record(0, rows=0, bytes=0, block="", crc32=0, attempt=1),
        _a_record(49_999),
    ],
    ids=["big", "odd codes", "empty", "of an older version"],
)
def test_every_property_is_read_back_unchanged(pages: PageLedger, record: PageRecord) -> None:
    job = _a_ref()
    pages.record(job, record)
    assert list(pages.records(job)) == [record]
    assert list(pages.blocks(job)) == [PageBlock(record.page, record.rows, record.bytes, record.block)]


def test_the_first_record_of_a_page_is_kept(pages: PageLedger) -> None:
    job, first = _a_ref(), _a_record()
    pages.record(job, first)
    assert pages.record(job, _a_record(rows=11)) == first
    assert list(pages.records(job)) == [first]


def test_concurrent_writers_all_get_the_record_that_is_kept(pages: PageLedger) -> None:
    job = _a_ref()
    candidates = [_a_record(rows=rows) for rows in range(8)]
    with ThreadPoolExecutor(8) as pool:
        returned = list(pool.map(lambda record: pages.record(job, record), candidates))
    assert set(returned) == {pages.find(job, 0)}
    assert returned[0] in candidates


def test_attempts_of_a_job_share_their_records(pages: PageLedger) -> None:
    job, first = _a_ref(), _a_record()
    pages.record(job, first)
    resumed = job.model_copy(update={"attempt": 2})
    assert pages.record(resumed, _a_record(rows=11)) == first


def test_jobs_do_not_share_their_records(pages: PageLedger) -> None:
    job, other = _a_ref(), _a_ref()
    pages.record(job, _a_record())
    assert pages.find(other, 0) is None
    assert list(pages.records(other)) == []
    assert list(pages.blocks(other)) == []


def test_tenants_do_not_share_the_records_of_jobs_with_the_same_code(pages: PageLedger) -> None:
    job = _a_ref()
    pages.record(job, _a_record())
    assert list(pages.records(job.model_copy(update={"tenant": "other"}))) == []


def test_records_are_listed_by_page_in_any_order_of_writing(pages: PageLedger) -> None:
    job = _a_ref()
    for page in (10, 2, 100, 0, 9):
        pages.record(job, _a_record(page))
    assert [record.page for record in pages.records(job)] == [0, 2, 9, 10, 100]
    assert [block.page for block in pages.blocks(job)] == [0, 2, 9, 10, 100]


@pytest.mark.parametrize(("first_page", "expected"), [(0, [0, 2, 9, 10]), (9, [9, 10]), (3, [9, 10]), (11, [])])
def test_records_can_be_read_from_a_given_page(pages: PageLedger, first_page: int, expected: list[int]) -> None:
    job = _a_ref()
    for page in (0, 2, 9, 10):
        pages.record(job, _a_record(page))
    assert [record.page for record in pages.records(job, first_page)] == expected


@pytest.mark.thorough
def test_a_thousand_records_are_read_in_order_with_two_requests(
    pages: PageLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = _a_ref()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda page: pages.record(job, _a_record(page)), range(1100)))
    with counted_requests(monkeypatch) as sent:
        found = [record.page for record in pages.records(job)]
    assert found == list(range(1100))
    assert len(sent) <= 2


@pytest.mark.parametrize(
    "use",
    [
        lambda pages, job: pages.record(job, _a_record()),
        lambda pages, job: pages.find(job, 0),
        lambda pages, job: list(pages.records(job)),
        lambda pages, job: list(pages.blocks(job)),
    ],
    ids=["record", "find", "records", "blocks"],
)
def test_an_unreachable_ledger_raises_a_retryable_error(
    unreachable: StorageAccount, use: Callable[[PageLedger, JobRef], object]
) -> None:
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        use(TablePageLedger(unreachable), _a_ref())


def test_a_page_whose_record_was_removed_can_be_recorded_again(pages: PageLedger) -> None:
    job = _a_ref()
    pages.record(job, _a_record(1, rows=5))
    pages.forget(job, 1)
    pages.forget(job, 1)
    assert pages.find(job, 1) is None
    assert pages.record(job, _a_record(1, rows=6)).rows == 6
