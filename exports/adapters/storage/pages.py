"""The page ledger in Table Storage: partition = job, row = page number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exports.adapters.storage.table_adapter import Entity, TableAdapter
from exports.file.page_record import PageBlock, PageRecord
from exports.jobs.job import JobRef
from shared.row_codec import INT64, RowCodec

_LARGE = ("bytes", "crc32", "content_crc32", "content_bytes")
RECORDS = RowCodec(PageRecord, elsewhere=("page",), forms=dict.fromkeys(_LARGE, INT64))
_BLOCKS = RowCodec(PageBlock, elsewhere=("page",), forms={"bytes": INT64})


class TablePageLedger(TableAdapter):
    """Implements `exports.ports.pages.PageLedger` on the table `exportpages`."""

    _default_table = "exportpages"

    def record(self, job: JobRef, record: PageRecord) -> PageRecord:
        """See `PageLedger.record`. The insert is conditional: of two writers one succeeds; both return its record."""
        existing = self._add_or_get(_to_entity(job, record))
        return record if existing is None else _from_entity(existing)

    def find(self, job: JobRef, page: int) -> PageRecord | None:
        """See `PageLedger.find`."""
        found = self._find(_partition(job), _row(page))
        return found and _from_entity(found)

    def forget(self, job: JobRef, page: int) -> None:
        """See `PageLedger.forget`."""
        with self._translate_failures():
            self._table.delete_entity(_partition(job), _row(page))

    def records(self, job: JobRef, first_page: int = 0) -> Iterator[PageRecord]:
        """See `PageLedger.records`."""
        rows = self._table.query_entities(
            "PartitionKey eq @job and RowKey ge @page",
            parameters={"job": _partition(job), "page": _row(first_page)},
        )
        with self._translate_failures():
            for row in rows:
                yield _from_entity(row)

    def blocks(self, job: JobRef) -> Iterator[PageBlock]:
        """See `PageLedger.blocks`. A thousand pages take a request, as whole records do, but a third of the time."""
        columns = ["RowKey", "rows", "bytes", "block"]
        rows = self._table.query_entities("PartitionKey eq @job", parameters={"job": _partition(job)}, select=columns)
        with self._translate_failures():
            for row in rows:
                yield _BLOCKS.read(row, page=int(row["RowKey"]))

    def purge(self, job: JobRef) -> None:
        """See `PageLedger.purge`."""
        self._remove_rows(_partition(job))

    def next_job(self, cursor: str) -> tuple[JobRef, str] | None:
        """See `PageLedger.next_job`. Steps from partition to partition, so it does not read the records in between."""
        rows = self._table.query_entities(
            "PartitionKey gt @cursor", parameters={"cursor": cursor}, results_per_page=1, select=["PartitionKey"]
        )
        with self._translate_failures():
            row = next(iter(rows), None)
        if row is None:
            return None
        tenant, _, code = row["PartitionKey"].partition("|")
        return JobRef(tenant=tenant, code=code, attempt=1), row["PartitionKey"]


def _partition(job: JobRef) -> str:
    """Return the one partition that all attempts of a job share: a page that is proven stays proven."""
    return f"{job.tenant}|{job.code}"


def _row(page: int) -> str:
    return f"{page:06d}"


def _to_entity(job: JobRef, record: PageRecord) -> Entity:
    return {"PartitionKey": _partition(job), "RowKey": _row(record.page), **RECORDS.write(record)}


def _from_entity(entity: Any) -> PageRecord:
    return RECORDS.read(entity, page=int(entity["RowKey"]))
