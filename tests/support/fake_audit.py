"""The audit log in memory."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from datetime import UTC, date, datetime

from exports.adapters.storage.table_adapter import sortable_moment
from exports.jobs.audit import AuditEntry
from exports.ports.audit import EVERY_ENTRY, AuditConditions, LoggedEntry
from tests.support.hooks import Hook, do_nothing


class MemoryAuditLog:
    """Implements `AuditLog` in a list.

    Keeps an entry as it is after a round trip through JSON. Sorts by the moment of the entry as it was added, because
    JSON keeps only milliseconds.
    """

    def __init__(self) -> None:
        self.before_append: Hook = do_nothing
        self._rows: list[tuple[datetime, AuditEntry]] = []

    @property
    def all(self) -> builtins.list[AuditEntry]:
        """Return every entry, in the order of appending."""
        return [entry for _, entry in self._rows]

    def append(self, entry: AuditEntry) -> None:
        self.before_append()
        kept = AuditEntry.model_validate_json(entry.model_dump_json(by_alias=True))
        self._rows.append((entry.moment.astimezone(UTC), kept))

    def entries(self, tenant: str, day: date) -> Iterator[AuditEntry]:
        found = (row for row in self._rows if row[1].tenant == tenant and row[0].date() == day)
        yield from (entry for _, entry in sorted(found, key=lambda row: row[0]))

    def list(
        self, tenant: str, day: date, limit: int, after: str | None = None, wanted: AuditConditions = EVERY_ENTRY
    ) -> builtins.list[LoggedEntry]:
        logged = sorted(
            (
                LoggedEntry(f"{sortable_moment(moment)}-{number:016x}", entry)
                for number, (moment, entry) in enumerate(self._rows)
                if entry.tenant == tenant and moment.date() == day
            ),
            key=lambda row: row.position,
        )
        return [row for row in logged if row.position > (after or "") and _fits(row.entry, wanted)][:limit]


def _fits(entry: AuditEntry, wanted: AuditConditions) -> bool:
    return (
        (not wanted.actions or entry.action in wanted.actions)
        and wanted.actor in (None, entry.actor)
        and wanted.code in (None, entry.code)
    )
