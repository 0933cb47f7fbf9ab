"""API keys in Table Storage: one row a key, found by its id."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.api_keys import ApiKey, KeyNotFoundError, KeysUnavailableError
from shared.storage import StorageAccount, failing_as

_UNAVAILABLE = "Table Storage did not answer."
_PRECONDITION_FAILED = 412
_PARTITION = "keys"
_Entity = dict[str, Any]


class TableKeyStore:
    """Implements `shared.api_keys.KeyStore` on the table `apikeys`."""

    def __init__(self, account: StorageAccount, table: str = "apikeys") -> None:
        self._account = account
        self._name = table

    @cached_property
    def _table(self) -> TableClient:
        with failing_as(KeysUnavailableError, _UNAVAILABLE):
            return self._account.tables.create_table_if_not_exists(self._name)

    def add(self, key: ApiKey) -> bool:
        """See `KeyStore.add`."""
        with failing_as(KeysUnavailableError, _UNAVAILABLE):
            try:
                self._table.create_entity(_to_entity(key))
            except ResourceExistsError:
                return False
        return True

    def get(self, key_id: str) -> ApiKey | None:
        """See `KeyStore.get`."""
        found = self._find(key_id)
        return found and _from_entity(found)

    def list(self) -> builtins.list[ApiKey]:
        """See `KeyStore.list`."""
        with failing_as(KeysUnavailableError, _UNAVAILABLE):
            rows = list(self._table.query_entities(f"PartitionKey eq '{_PARTITION}'"))
        return sorted(map(_from_entity, rows), key=lambda key: (key.created, key.id))

    def is_empty(self) -> bool:
        """See `KeyStore.is_empty`."""
        query = f"PartitionKey eq '{_PARTITION}'"
        with failing_as(KeysUnavailableError, _UNAVAILABLE):
            rows = self._table.query_entities(query, results_per_page=1, select=["RowKey"])
            return next(iter(rows), None) is None

    def change(self, key_id: str, alter: Callable[[ApiKey], ApiKey]) -> ApiKey:
        """See `KeyStore.change`."""
        while True:
            found = self._find(key_id)
            if found is None:
                raise KeyNotFoundError("There is no key of this id.")
            before = _from_entity(found)
            after = alter(before)
            if after == before or self._replace(after, found.metadata["etag"]):
                return after

    def note_use(self, key_id: str, moment: datetime) -> None:
        """See `KeyStore.note_use`. Touches nothing else of the row, so it undoes no change made meanwhile."""
        row = {"PartitionKey": _PARTITION, "RowKey": key_id, "lastUsed": moment}
        with failing_as(KeysUnavailableError, _UNAVAILABLE), suppress(ResourceNotFoundError):
            self._table.update_entity(row, UpdateMode.MERGE)

    def _find(self, key_id: str) -> Any:
        with failing_as(KeysUnavailableError, _UNAVAILABLE):
            try:
                return self._table.get_entity(_PARTITION, key_id)
            except ResourceNotFoundError:
                return None

    def _replace(self, key: ApiKey, etag: str) -> bool:
        """Write the row if it still has this ETag."""
        with failing_as(KeysUnavailableError, _UNAVAILABLE):
            try:
                self._table.update_entity(
                    _to_entity(key), UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
                )
            except ResourceModifiedError:
                return False
            except HttpResponseError as error:
                if error.status_code == _PRECONDITION_FAILED:
                    return False
                raise
        return True


def _to_entity(key: ApiKey) -> _Entity:
    values = {
        "PartitionKey": _PARTITION,
        "RowKey": key.id,
        "name": key.name,
        "hash": key.hash,
        "tenants": json.dumps(key.tenants),
        "scopes": json.dumps(key.scopes),
        "created": key.created,
        "expires": key.expires,
        "revoked": key.revoked,
        "lastUsed": key.last_used,
    }
    return {name: value for name, value in values.items() if value is not None}


def _from_entity(entity: _Entity) -> ApiKey:
    moments = {name: entity[name].astimezone(UTC) for name in ("expires", "revoked") if name in entity}
    return ApiKey(
        id=entity["RowKey"],
        name=entity["name"],
        hash=entity["hash"],
        tenants=tuple(json.loads(entity["tenants"])),
        scopes=tuple(json.loads(entity["scopes"])),
        created=entity["created"].astimezone(UTC),
        last_used=entity["lastUsed"].astimezone(UTC) if "lastUsed" in entity else None,
        **moments,
    )
