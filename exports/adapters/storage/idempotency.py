"""Idempotency keys in Table Storage: partition = tenant, row = hash of the key."""

from __future__ import annotations

from itertools import islice
from typing import Any

from exports.adapters.storage.table_adapter import Entity, TableAdapter
from exports.request.idempotency import IdempotencyRecord
from shared.row_codec import RowCodec

RECORDS = RowCodec(IdempotencyRecord, elsewhere=("tenant", "key_hash"))


class TableIdempotencyStore(TableAdapter):
    """Implements `exports.ports.idempotency.IdempotencyStore` on the table `exportrequests`."""

    _default_table = "exportrequests"

    def find(self, tenant: str, key_hash: str) -> IdempotencyRecord | None:
        """See `IdempotencyStore.find`."""
        found = self._find(tenant, key_hash)
        return found and _from_entity(found)

    def forget(self, record: IdempotencyRecord) -> None:
        """See `IdempotencyStore.forget`."""
        with self._translate_failures():
            self._table.delete_entity(record.tenant, record.key_hash)

    def sweep(self, cursor: str, limit: int) -> tuple[list[IdempotencyRecord], str]:
        """See `IdempotencyStore.sweep`. The cursor is made of the keys of the last row."""
        query, parameters = "", {}
        if cursor:
            tenant, _, row = cursor.partition("|")
            query = "PartitionKey gt @tenant or PartitionKey eq @tenant and RowKey gt @row"
            parameters = {"tenant": tenant, "row": row}
        rows = self._table.query_entities(query, parameters=parameters, results_per_page=limit)
        with self._translate_failures():
            found = [*islice(rows, limit)]
        last = f"{found[-1]['PartitionKey']}|{found[-1]['RowKey']}" if len(found) == limit else ""
        return [*self._readable("key", found, _from_entity)], last

    def claim(self, record: IdempotencyRecord) -> IdempotencyRecord:
        """See `IdempotencyStore.claim`. The insert is conditional: of many claims at once one succeeds."""
        existing = self._add_or_get(_to_entity(record))
        return record if existing is None else _from_entity(existing)


def _to_entity(record: IdempotencyRecord) -> Entity:
    return {"PartitionKey": record.tenant, "RowKey": record.key_hash, **RECORDS.write(record)}


def _from_entity(entity: Any) -> IdempotencyRecord:
    return RECORDS.read(entity, tenant=entity["PartitionKey"], key_hash=entity["RowKey"])
