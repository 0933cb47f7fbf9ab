"""Idempotency keys in Table Storage: partition = tenant, row = hash of the key."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableClient

from exports.errors import StorageUnavailableError
from exports.idempotency import IdempotencyRecord
from shared.storage import StorageAccount, failing_as

_UNAVAILABLE = "Table Storage did not answer."


class TableIdempotencyStore:
    """Implements `exports.ports.IdempotencyStore` on the table `exportrequests`."""

    def __init__(self, account: StorageAccount, table: str = "exportrequests") -> None:
        self._account = account
        self._name = table

    @cached_property
    def _table(self) -> TableClient:
        with failing_as(StorageUnavailableError, _UNAVAILABLE):
            return self._account.tables.create_table_if_not_exists(self._name)

    def claim(self, record: IdempotencyRecord) -> IdempotencyRecord:
        """See `IdempotencyStore.claim`. The insert is conditional: of many at once one wins."""
        with failing_as(StorageUnavailableError, _UNAVAILABLE):
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
    created: datetime = entity["createdDate"]
    return IdempotencyRecord(
        tenant=entity["PartitionKey"],
        key_hash=entity["RowKey"],
        body_hash=entity["bodyHash"],
        code=entity["code"],
        created_date=created.astimezone(UTC),
    )
