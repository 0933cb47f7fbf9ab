"""Saved mappings in Table Storage: partition = tenant, row = code."""

from __future__ import annotations

from typing import Any

from exports.adapters.storage.named_resources import NamedResourceTable
from exports.adapters.storage.table_adapter import Entity
from exports.errors import MappingNotFoundError
from exports.mappings.mapping import MappingContent, SavedMapping
from shared.row_codec import RowCodec, compressed_json

MAPPINGS = RowCodec(SavedMapping, elsewhere=("tenant", "code"), forms={"content": compressed_json(MappingContent)})


class TableMappingStore(NamedResourceTable[SavedMapping]):
    """Implements `exports.ports.mappings.MappingStore` on the table `csvmappings`."""

    kind = "mapping"
    _default_table = "csvmappings"

    def create(self, mapping: SavedMapping) -> bool:
        """See `MappingStore.create`."""
        return self._insert(_to_entity(mapping))

    def count(self, tenant: str) -> int:
        """See `MappingStore.count`."""
        return len(self._rows(tenant, select=["RowKey"]))

    def _rows(self, tenant: str, **options: Any) -> list[Any]:
        with self._translate_failures():
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
        return MAPPINGS.read(row, tenant=row["PartitionKey"], code=row["RowKey"])


def _to_entity(mapping: SavedMapping) -> Entity:
    return {"PartitionKey": mapping.tenant, "RowKey": mapping.code, **MAPPINGS.write(mapping)}
