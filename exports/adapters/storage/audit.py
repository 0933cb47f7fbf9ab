"""The audit log in Table Storage: partition = tenant and day, row = moment and a random number."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterator
from datetime import UTC, date

from exports.adapters.storage.table_adapter import TableAdapter, sortable_moment
from exports.jobs.audit import AuditEntry
from shared.storage import StorageAccount


class TableAuditLog(TableAdapter):
    """Implements `exports.ports.audit.AuditLog` on the table `exportaudit`."""

    def __init__(self, account: StorageAccount, table: str = "exportaudit") -> None:
        super().__init__(account, table)

    def append(self, entry: AuditEntry) -> None:
        """See `AuditLog.append`. The entry is compressed, because a filter may name thousands of codes."""
        moment = entry.moment.astimezone(UTC)
        row = {
            "PartitionKey": _partition(entry.tenant, moment.date()),
            "RowKey": f"{sortable_moment(moment)}-{secrets.token_hex(8)}",
            "action": entry.action.value,
            "actor": entry.actor,
            "code": entry.code,
            "entry": zlib.compress(entry.model_dump_json(by_alias=True).encode()),
        }
        with self._translate_failures():
            self._table.create_entity(row)

    def entries(self, tenant: str, day: date) -> Iterator[AuditEntry]:
        """See `AuditLog.entries`."""
        query = self._table.query_entities("PartitionKey eq @day", parameters={"day": _partition(tenant, day)})
        with self._translate_failures():
            for row in query:
                yield AuditEntry.model_validate_json(zlib.decompress(row["entry"]))


def _partition(tenant: str, day: date) -> str:
    return f"{tenant}|{day.isoformat()}"
