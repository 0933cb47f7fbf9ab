"""The audit log in Table Storage: partition = tenant and day, row = moment and a random number."""

from __future__ import annotations

import builtins
import secrets
import zlib
from collections.abc import Iterator
from datetime import UTC, date
from itertools import islice
from typing import Any

from exports.adapters.storage.table_adapter import TableAdapter, any_of, sortable_moment
from exports.jobs.audit import AuditEntry
from exports.ports.audit import EVERY_ENTRY, AuditConditions, LoggedEntry


class TableAuditLog(TableAdapter):
    """Implements `exports.ports.audit.AuditLog` on the table `exportaudit`."""

    _default_table = "exportaudit"

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
            yield from map(_entry_of, query)

    def list(
        self, tenant: str, day: date, limit: int, after: str | None = None, wanted: AuditConditions = EVERY_ENTRY
    ) -> builtins.list[LoggedEntry]:
        """See `AuditLog.list`."""
        given = {"PartitionKey": _partition(tenant, day), "actor": wanted.actor, "code": wanted.code}
        texts = {name: text for name, text in given.items() if text is not None}
        conditions = [f"{name} eq @{name}" for name in texts] + ["RowKey gt @after"]
        conditions += [any_of("action", wanted.actions)] if wanted.actions else []
        parameters = {**texts, "after": after or ""}
        with self._translate_failures():
            rows = self._table.query_entities(" and ".join(conditions), parameters=parameters, results_per_page=limit)
            return [LoggedEntry(row["RowKey"], _entry_of(row)) for row in islice(rows, limit)]


def _partition(tenant: str, day: date) -> str:
    return f"{tenant}|{day.isoformat()}"


def _entry_of(row: Any) -> AuditEntry:
    return AuditEntry.model_validate_json(zlib.decompress(row["entry"]))
