"""Saved mappings in Table Storage: partition = tenant, row = code."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from azure.data.tables import UpdateMode

from exports.adapters.tables import TableAdapter, answering, plain_moment
from exports.errors import MappingNotFoundError
from exports.mappings import MappingContent, SavedMapping
from shared.storage import StorageAccount

Entity = dict[str, Any]


class TableMappingStore(TableAdapter):
    """Implements `exports.ports.MappingStore` on the table `csvmappings`."""

    def __init__(self, account: StorageAccount, table: str = "csvmappings") -> None:
        super().__init__(account, table)

    def create(self, mapping: SavedMapping) -> bool:
        """See `MappingStore.create`."""
        return self._insert(_to_entity(mapping))

    def get(self, tenant: str, code: str) -> SavedMapping | None:
        """See `MappingStore.get`."""
        found = self._find(tenant, code)
        return found and _from_entity(found)

    def all(self, tenant: str) -> list[SavedMapping]:
        """See `MappingStore.all`."""
        return [_from_entity(row) for row in self._rows(tenant)]

    def count(self, tenant: str) -> int:
        """See `MappingStore.count`."""
        return len(self._rows(tenant, select=["RowKey"]))

    def change(self, tenant: str, code: str, alter: Callable[[SavedMapping], SavedMapping]) -> SavedMapping:
        """See `MappingStore.change`."""
        while True:
            found = self._require(tenant, code)
            after = alter(_from_entity(found))
            if self._if_unchanged(found, self._table.update_entity, _to_entity(after), UpdateMode.REPLACE):
                return after

    def delete(self, tenant: str, code: str, check: Callable[[SavedMapping], None]) -> None:
        """See `MappingStore.delete`."""
        while True:
            found = self._require(tenant, code)
            check(_from_entity(found))
            if self._if_unchanged(found, self._table.delete_entity, tenant, code):
                return

    def _rows(self, tenant: str, **options: Any) -> list[Any]:
        with answering():
            return list(self._table.query_entities("PartitionKey eq @tenant", parameters={"tenant": tenant}, **options))

    def _require(self, tenant: str, code: str) -> Any:
        found = self._find(tenant, code)
        if found is None:
            raise MappingNotFoundError("There is no such mapping.")
        return found


def _to_entity(mapping: SavedMapping) -> Entity:
    """Write a mapping as a row; what it says is compressed because a text property ends at 32 Ki characters."""
    return {
        "PartitionKey": mapping.tenant,
        "RowKey": mapping.code,
        "content": zlib.compress(mapping.content.model_dump_json(by_alias=True).encode()),
        "createdDate": mapping.created_date,
        "updatedDate": mapping.updated_date,
    }


def _from_entity(entity: Entity) -> SavedMapping:
    return SavedMapping(
        tenant=entity["PartitionKey"],
        code=entity["RowKey"],
        content=MappingContent.model_validate_json(zlib.decompress(entity["content"])),
        created_date=plain_moment(entity["createdDate"]),
        updated_date=plain_moment(entity["updatedDate"]),
    )
