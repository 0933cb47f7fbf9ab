"""Saved mappings in Table Storage: partition = tenant, row = code."""

from __future__ import annotations

import zlib
from typing import Any

from exports.adapters.storage.named_resources import Entity, SavedTable
from exports.adapters.storage.table_adapter import answering, plain_moment
from exports.errors import MappingNotFoundError
from exports.mappings.mapping import MappingContent, SavedMapping
from shared.storage import StorageAccount


class TableMappingStore(SavedTable[SavedMapping]):
    """Implements `exports.ports.mappings.MappingStore` on the table `csvmappings`."""

    kind = "mapping"

    def __init__(self, account: StorageAccount, table: str = "csvmappings") -> None:
        super().__init__(account, table)

    def create(self, mapping: SavedMapping) -> bool:
        """See `MappingStore.create`."""
        return self._insert(_to_entity(mapping))

    def count(self, tenant: str) -> int:
        """See `MappingStore.count`."""
        return len(self._rows(tenant, select=["RowKey"]))

    def _rows(self, tenant: str, **options: Any) -> list[Any]:
        with answering():
            return list(self._table.query_entities("PartitionKey eq @tenant", parameters={"tenant": tenant}, **options))

    def _row(self, tenant: str, code: str) -> Any:
        return self._find(tenant, code)

    def _replace(self, row: Any, after: SavedMapping) -> bool:
        return self._write_if_unchanged(row, _to_entity(after))

    def _remove(self, row: Any) -> bool:
        return self._if_unchanged(row.metadata["etag"], self._table.delete_entity, row["PartitionKey"], row["RowKey"])

    def _not_found(self) -> Exception:
        return MappingNotFoundError("There is no such mapping.")

    def _read(self, row: Any) -> SavedMapping:
        return SavedMapping(
            tenant=row["PartitionKey"],
            code=row["RowKey"],
            content=MappingContent.model_validate_json(zlib.decompress(row["content"])),
            created_date=plain_moment(row["createdDate"]),
            updated_date=plain_moment(row["updatedDate"]),
        )


def _to_entity(mapping: SavedMapping) -> Entity:
    """Write a mapping as a row; what it says is compressed because a text property ends at 32 Ki characters."""
    return {
        "PartitionKey": mapping.tenant,
        "RowKey": mapping.code,
        "content": zlib.compress(mapping.content.model_dump_json(by_alias=True).encode()),
        "createdDate": mapping.created_date,
        "updatedDate": mapping.updated_date,
    }
