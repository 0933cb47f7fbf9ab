"""The page ledger in Table Storage: partition = job, row = page number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import EdmType, EntityProperty

from exports.adapters.storage.table_adapter import TableAdapter, answering
from exports.file.page_record import PageRecord
from exports.jobs.job import JobRef
from shared.storage import StorageAccount


class TablePageLedger(TableAdapter):
    """Implements `exports.ports.pages.PageLedger` on the table `exportpages`."""

    def __init__(self, account: StorageAccount, table: str = "exportpages") -> None:
        super().__init__(account, table)

    def record(self, job: JobRef, record: PageRecord) -> PageRecord:
        """See `PageLedger.record`. The insert is conditional: of two writers one wins, and both return its record."""
        with answering():
            try:
                self._table.create_entity(_to_entity(job, record))
            except ResourceExistsError:
                return _from_entity(self._table.get_entity(_partition(job), _row(record.page)))
        return record

    def find(self, job: JobRef, page: int) -> PageRecord | None:
        """See `PageLedger.find`."""
        with answering():
            try:
                return _from_entity(self._table.get_entity(_partition(job), _row(page)))
            except ResourceNotFoundError:
                return None

    def forget(self, job: JobRef, page: int) -> None:
        """See `PageLedger.forget`."""
        with answering():
            self._table.delete_entity(_partition(job), _row(page))

    def records(self, job: JobRef, first_page: int = 0) -> Iterator[PageRecord]:
        """See `PageLedger.records`."""
        rows = self._table.query_entities(
            "PartitionKey eq @job and RowKey ge @page",
            parameters={"job": _partition(job), "page": _row(first_page)},
        )
        with answering():
            for row in rows:
                yield _from_entity(row)

    def purge(self, job: JobRef) -> None:
        """See `PageLedger.purge`."""
        self._remove_rows(_partition(job))

    def next_job(self, cursor: str) -> tuple[JobRef, str] | None:
        """See `PageLedger.next_job`. Steps from partition to partition: the records in between are not read."""
        rows = self._table.query_entities(
            "PartitionKey gt @place", parameters={"place": cursor}, results_per_page=1, select=["PartitionKey"]
        )
        with answering():
            row = next(iter(rows), None)
        if row is None:
            return None
        tenant, _, code = row["PartitionKey"].partition("|")
        return JobRef(tenant=tenant, code=code, attempt=1), row["PartitionKey"]


def _partition(job: JobRef) -> str:
    """All attempts of a job share one ledger: a page that is proven stays proven."""
    return f"{job.tenant}|{job.code}"


def _row(page: int) -> str:
    return f"{page:06d}"


def _to_entity(job: JobRef, record: PageRecord) -> dict[str, Any]:
    """What is None is not stored."""
    return {
        "PartitionKey": _partition(job),
        "RowKey": _row(record.page),
        "rows": record.rows,
        "bytes": EntityProperty(record.bytes, EdmType.INT64),
        "sha256": record.sha256,
        "block": record.block,
        "crc32": None if record.crc32 is None else EntityProperty(record.crc32, EdmType.INT64),
        "attempt": record.attempt,
    }


def _from_entity(entity: Any) -> PageRecord:
    return PageRecord(
        page=int(entity["RowKey"]),
        rows=entity["rows"],
        bytes=entity["bytes"].value,
        sha256=entity["sha256"],
        block=entity["block"],
        crc32=entity["crc32"].value if "crc32" in entity else None,
        attempt=entity.get("attempt"),
    )
