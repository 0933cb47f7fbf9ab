"""API keys in Table Storage: one row for each key, found by the key's id."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode

from shared.api_keys import ApiKey, KeyChanges, KeyNotFoundError, KeysUnavailableError
from shared.row_codec import TEXTS, RowCodec
from shared.tables import Operation, StorageTable, with_write_token

KEYS = RowCodec(ApiKey, elsewhere=("id",), forms={"tenants": TEXTS, "scopes": TEXTS}, always_present=("scopes",))
_PARTITION = "keys"
_NOT_AS_READ = frozenset({404, 409, 412})
_Entity = dict[str, Any]


class TableKeyStore(StorageTable):
    """Implements `shared.api_keys.KeyStore` on the table `apikeys`."""

    _default_table = "apikeys"
    _unavailable = KeysUnavailableError

    def add(self, key: ApiKey) -> bool:
        """See `KeyStore.add`."""
        return self._insert(_to_entity(key))

    def get(self, key_id: str) -> ApiKey | None:
        """See `KeyStore.get`."""
        found = self._find(_PARTITION, key_id)
        return found and _from_entity(found)

    def list(self) -> builtins.list[ApiKey]:
        """See `KeyStore.list`."""
        return _oldest_first(self._rows())

    def is_empty(self) -> bool:
        """See `KeyStore.is_empty`."""
        query = f"PartitionKey eq '{_PARTITION}'"
        with self._translate_failures():
            rows = self._table.query_entities(query, results_per_page=1, select=["RowKey"])
            return next(iter(rows), None) is None

    def change(self, key_id: str, alter: Callable[[ApiKey], ApiKey]) -> ApiKey:
        """See `KeyStore.change`."""
        while True:
            found = self._find(_PARTITION, key_id)
            if found is None:
                raise KeyNotFoundError("There is no key of this id.")
            before = _from_entity(found)
            after = alter(before)
            if after == before or self._write_if_unchanged(found, _to_entity(after)):
                return after

    def decide(self, decide: Callable[[builtins.list[ApiKey]], KeyChanges]) -> KeyChanges:
        """See `KeyStore.decide`. A transaction writes the keys that were relied on as well, so their ETags change."""
        while True:
            rows = {row["RowKey"]: row for row in self._rows()}
            changes = decide(_oldest_first(rows.values()))
            operations = [_replace_unchanged(rows[key.id], _to_entity(key)) for key in changes.changed]
            operations += [("create", _to_entity(key)) for key in changes.added]
            if not operations:
                return changes
            operations += [_replace_unchanged(rows[key_id], rows[key_id]) for key_id in sorted(changes.relied_on)]
            if self._transact(operations, _NOT_AS_READ, of_any=True):
                return changes

    def record_use(self, key_id: str, moment: datetime) -> None:
        """See `KeyStore.record_use`. Writes the moment alone, so it cannot undo a change made at the same time."""
        row = {"PartitionKey": _PARTITION, "RowKey": key_id, "lastUsed": moment}
        with self._translate_failures(), suppress(ResourceNotFoundError):
            self._table.update_entity(row, UpdateMode.MERGE)

    def _rows(self) -> builtins.list[Any]:
        with self._translate_failures():
            return list(self._table.query_entities(f"PartitionKey eq '{_PARTITION}'"))


def _oldest_first(rows: Iterable[Any]) -> list[ApiKey]:
    return sorted(map(_from_entity, rows), key=lambda key: (key.created, key.id))


def _replace_unchanged(row: Any, after: _Entity) -> Operation:
    condition = {"etag": row.metadata["etag"], "match_condition": MatchConditions.IfNotModified}
    return "update", with_write_token(after), {"mode": UpdateMode.REPLACE, **condition}


def _to_entity(key: ApiKey) -> _Entity:
    return {"PartitionKey": _PARTITION, "RowKey": key.id, **KEYS.write(key)}


def _from_entity(entity: _Entity) -> ApiKey:
    return KEYS.read(entity, id=entity["RowKey"])
