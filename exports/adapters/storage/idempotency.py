"""Idempotency keys in Table Storage: partition = tenant, row = hash of the key."""

from __future__ import annotations

from itertools import islice
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from exports.adapters.storage.table_adapter import TableAdapter, answering, plain_moment
from exports.request.idempotency import IdempotencyRecord
from shared.storage import StorageAccount


class TableIdempotencyStore(TableAdapter):
    """Implements `exports.ports.idempotency.IdempotencyStore` on the table `exportrequests`."""

    def __init__(self, account: StorageAccount, table: str = "exportrequests") -> None:
        super().__init__(account, table)

    def find(self, tenant: str, key_hash: str) -> IdempotencyRecord | None:
        """See `IdempotencyStore.find`."""
        with answering():
            try:
                return _from_entity(self._table.get_entity(tenant, key_hash))
            except ResourceNotFoundError:
                return None

    def forget(self, record: IdempotencyRecord) -> None:
        """See `IdempotencyStore.forget`."""
        with answering():
            self._table.delete_entity(record.tenant, record.key_hash)

    def sweep(self, cursor: str, limit: int) -> tuple[list[IdempotencyRecord], str]:
        """See `IdempotencyStore.sweep`. The place is the keys of the last row."""
        query, parameters = "", {}
        if cursor:
            tenant, _, row = cursor.partition("|")
            query = "PartitionKey gt @tenant or PartitionKey eq @tenant and RowKey gt @row"
            parameters = {"tenant": tenant, "row": row}
        rows = self._table.query_entities(query, parameters=parameters, results_per_page=limit)
        with answering():
            records = [_from_entity(row) for row in islice(rows, limit)]
        last = f"{records[-1].tenant}|{records[-1].key_hash}" if len(records) == limit else ""
        return records, last

    def claim(self, record: IdempotencyRecord) -> IdempotencyRecord:
        """See `IdempotencyStore.claim`. The insert is conditional: of many at once one wins."""
        with answering():
            try:
                self._table.create_entity(_to_entity(record))
            except ResourceExistsError:
                return _from_entity(self._table.get_entity(record.tenant, record.key_hash))
        return record


def _to_entity(record: IdempotencyRecord) -> dict[str, Any]:
    return {
        "PartitionKey": record.tenant,
        "RowKey": record.key_hash,
        "bodyHash": record.body_hash,
        "code": record.code,
        "createdDate": record.created_date,
    }


def _from_entity(entity: Any) -> IdempotencyRecord:
    return IdempotencyRecord(
        tenant=entity["PartitionKey"],
        key_hash=entity["RowKey"],
        body_hash=entity["bodyHash"],
        code=entity["code"],
        created_date=plain_moment(entity["createdDate"]),
    )
