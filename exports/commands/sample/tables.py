"""Writes sample clients to Azure Table Storage, with the keys that `docs/client-view.md` describes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from azure.core.exceptions import AzureError
from azure.data.tables import TableClient

from exports.adapters.clients_tables.keys import TenantKeys, escape
from exports.adapters.clients_tables.source import read_address
from exports.commands.sample.clients import SAMPLE_COLUMNS
from exports.commands.sample.pools import Part
from exports.commands.sample.schema import MARKER_TABLE, SampleRefusedError
from exports.errors import SourceRefusedError
from exports.request.fields import KEY_COLUMNS, CellKind, TargetField, cell_kind, source_columns

_MARKER = {"PartitionKey": escape(MARKER_TABLE), "RowKey": ""}
"""The marker entity. Its partition cannot be a tenant's: those contain a `|`."""

_PER_TRANSACTION = 100
_PER_ROUND = 4_000
_THREADS = 4
_BOOLEANS = {name for field in TargetField if cell_kind(field) is CellKind.BOOLEAN for name in source_columns(field)}
_KEYS = ["PartitionKey", "RowKey"]
Entity = dict[str, Any]


def fill_tables(url: str, storage: str, rows: Iterator[Part]) -> None:
    """Delete the earlier sample, and write all rows. Meanwhile readers see the clients that are written so far."""
    try:
        account, name, prefix = read_address(url, storage)
        table = account.tables.create_table_if_not_exists(name)
        _delete_old_sample(table)
        table.upsert_entity(_MARKER)
        entities = (entity_of(dict(zip(SAMPLE_COLUMNS, row, strict=True)), prefix) for row in rows)
        write_all(table, "upsert", entities)
    except (AzureError, ValueError, SourceRefusedError) as error:
        reason = f"Table Storage cannot be filled: {error}"
        raise SampleRefusedError(reason) from error


def entity_of(client: dict[str, Any], prefix: int) -> Entity:
    """Convert a client to an entity. Empty values are left out, because Table Storage has no null."""
    row_key = escape(client["code"])
    values = {name: _storable(name, value) for name, value in client.items() if name not in KEY_COLUMNS}
    return {
        "PartitionKey": TenantKeys(client["tenant"], prefix).partition(row_key),
        "RowKey": row_key,
        **{name: value for name, value in values.items() if value is not None},
    }


def write_all(table: TableClient, operation: str, entities: Iterable[Entity]) -> None:
    """Write entities in transactions of adjacent entities of one partition, a few transactions at the same time."""
    rest = iter(entities)
    with ThreadPoolExecutor(_THREADS) as pool:
        while some := list(islice(rest, _PER_ROUND)):
            transactions = [[(operation, entity) for entity in part] for part in _by_partition(some)]
            list(pool.map(table.submit_transaction, transactions))


def _delete_old_sample(table: TableClient) -> None:
    present = next(iter(table.query_entities("", results_per_page=1, select=_KEYS)), None)
    markers = table.query_entities(f"PartitionKey eq '{_MARKER['PartitionKey']}'")
    if present is not None and next(iter(markers), None) is None:
        raise SampleRefusedError("A table of that name exists that this command did not make, so it is left unchanged.")
    write_all(table, "delete", (dict(entity) for entity in table.list_entities(select=_KEYS)))


def _by_partition(entities: Sequence[Entity]) -> Iterator[list[Entity]]:
    for _, group in groupby(entities, key=lambda entity: entity["PartitionKey"]):
        while part := list(islice(group, _PER_TRANSACTION)):
            yield part


def _storable(name: str, value: Any) -> Any:
    """Convert times to datetimes, which Table Storage can compare, and the sample's 0 and 1 to booleans."""
    if name == "updated_at" and isinstance(value, str):
        return datetime.fromisoformat(value)
    return bool(value) if name in _BOOLEANS and value is not None else value
