"""Schedules in Table Storage, found by tenant and code, and by the moment at which they are due.

All rows are in one partition, because a transaction covers only rows of one partition. A schedule is the row
`of|tenant|code`. While it is due at some moment, there is also a row `due|moment|tenant|code`. Both are written in one
transaction, under the ETag of the first. So the timer reads only the rows that are due, and it always finds a schedule
that is due.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from azure.data.tables import TableTransactionError, UpdateMode

from exports.adapters.storage.named_resources import NamedResourceTable
from exports.adapters.storage.table_adapter import Entity, if_version
from exports.errors import ScheduleNotFoundError
from exports.schedules.schedule import Schedule, ScheduleContent, ScheduleRef, ScheduleState
from shared.row_codec import RowCodec, compressed_json, json_text
from shared.tables import Operation

SCHEDULES = RowCodec(
    Schedule,
    elsewhere=("tenant", "code"),
    forms={
        "content": compressed_json(ScheduleContent, exclude_defaults=True),
        "state": json_text(ScheduleState, exclude_defaults=True),
    },
)
_PARTITION = "schedules"
_OF, _DUE = "of", "due"
_LATEST = "\x7e"  # sorts after all characters of a tenant, of a code, and of the bar between them
_NOT_FOUND = 404
_EXISTS, _CHANGED = frozenset({409}), frozenset({_NOT_FOUND, 412})


class TableScheduleStore(NamedResourceTable[Schedule]):
    """Implements `exports.ports.schedules.ScheduleStore` on the table `exportschedules`."""

    kind = "schedule"
    _default_table = "exportschedules"

    def create(self, schedule: Schedule) -> bool:
        """See `ScheduleStore.create`."""
        row = _to_entity(schedule)
        return self._transact([("create", row), *_add_due_row(row)], _EXISTS)

    def count(self, tenant: str) -> int:
        """See `ScheduleStore.count`."""
        return sum(1 for _ in self._rows(tenant, select=["RowKey"]))

    def due(self, now: datetime) -> Iterator[ScheduleRef]:
        """See `ScheduleStore.due`."""
        for row in self._between(f"{_DUE}|", f"{_DUE}|{_sortable(now)}|{_LATEST}", select=["RowKey"]):
            _, _, tenant, code = row["RowKey"].split("|")
            yield ScheduleRef(tenant, code)

    def postpone(self, ref: ScheduleRef, until: datetime) -> None:
        """See `ScheduleStore.postpone`."""
        row = self._row(ref.tenant, ref.code)
        if row is not None:
            self._write(row, {**row, "due": until})

    def _rows(self, tenant: str, **options: Any) -> Iterator[Any]:
        return self._between(f"{_OF}|{tenant}|", f"{_OF}|{tenant}|{_LATEST}", **options)

    def _between(self, first: str, stop: str, **options: Any) -> Iterator[Any]:
        query = f"PartitionKey eq '{_PARTITION}' and RowKey ge @first and RowKey lt @stop"
        with self._translate_failures():
            yield from self._table.query_entities(query, parameters={"first": first, "stop": stop}, **options)

    def _row(self, tenant: str, code: str) -> Any:
        return self._find(_PARTITION, f"{_OF}|{tenant}|{code}")

    def _replace(self, row: Any, after: Schedule) -> bool:
        return self._write(row, _to_entity(after))

    def _write(self, row: Any, after: Entity) -> bool:
        is_moved = row.get("due") != after.get("due")
        updating: Operation = ("update", after, {"mode": UpdateMode.REPLACE, **if_version(row.metadata["etag"])})
        return self._move(updating, _remove_due_row(row) if is_moved else [], _add_due_row(after))

    def _remove(self, row: Any) -> bool:
        deletion: Operation = ("delete", _keys(row), if_version(row.metadata["etag"]))
        return self._move(deletion, _remove_due_row(row), [])

    def _move(self, first: Operation, removal: list[Operation], addition: list[Operation]) -> bool:
        """Write or delete the row of a schedule, remove its old due row and add the new one, in one transaction.

        If the old due row is missing, which refuses the whole transaction, does the same without removing it.
        """
        try:
            return self._transact([first, *removal, *addition], _CHANGED)
        except TableTransactionError as error:
            if error.status_code != _NOT_FOUND:
                raise
            return self._transact([first, *addition], _CHANGED)

    def _not_found(self) -> Exception:
        return ScheduleNotFoundError("There is no such schedule.")

    def _read(self, row: Any) -> Schedule:
        _, tenant, code = row["RowKey"].split("|")
        return SCHEDULES.read(row, tenant=tenant, code=code)


def rows_to_restore(row: Entity) -> list[Entity]:
    """Return the rows to add for a row of a backup: a schedule with its due row, nothing for a saved due row.

    A saved due row may name another moment than its schedule, which may exist and have moved on since, or was saved a
    moment later.
    """
    return [] if row["RowKey"].startswith(f"{_DUE}|") else [row, *_due_row(row)]


def _to_entity(schedule: Schedule) -> Entity:
    due = {} if schedule.due_date is None else {"due": schedule.due_date}
    keys = {"PartitionKey": _PARTITION, "RowKey": f"{_OF}|{schedule.tenant}|{schedule.code}"}
    return {**keys, **SCHEDULES.write(schedule), **due}


def _keys(row: Any) -> Entity:
    return {name: row[name] for name in ("PartitionKey", "RowKey")}


def _add_due_row(row: Entity) -> list[Operation]:
    return [("upsert", found) for found in _due_row(row)]


def _remove_due_row(row: Entity) -> list[Operation]:
    return [("delete", found) for found in _due_row(row)]


def _due_row(row: Entity) -> Iterator[Entity]:
    """Yield the row by which the timer finds a schedule, if it is due at some moment."""
    if "due" in row:
        _, tenant, code = row["RowKey"].split("|")
        yield {"PartitionKey": _PARTITION, "RowKey": f"{_DUE}|{_sortable(row['due'])}|{tenant}|{code}"}


def _sortable(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%S.%f}"
