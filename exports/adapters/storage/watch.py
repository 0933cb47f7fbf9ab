"""Jobs that need attention in Table Storage: partition = kind of entry, so one query finds them for all tenants."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode

from exports.adapters.storage.table_adapter import Entity, TableAdapter
from exports.jobs.retention import DueAction
from exports.jobs.watchdog import Watched
from shared.row_codec import MOMENT, PLAIN, RowCodec, plain_moment
from shared.storage import StorageAccount

_ACTIVE, _ENDED, _CURSORS = "active", "ended", "places"
ATTEMPTS = RowCodec(
    Watched,
    elsewhere=("tenant", "code", "attempt", "version"),
    forms={"checked": MOMENT.named("looked"), "fingerprint": PLAIN.named("sign")},
    always_present=("fingerprint",),
)
DUE_ACTIONS = RowCodec(DueAction, elsewhere=("tenant", "code"))
_MOMENT = "%Y%m%dT%H%M%S%f"
_FRESH_SECONDS = 2.0
"""How long a count of running attempts is reused."""

MANY_TENANTS = 250
"""The number of tenants at which counting stops: with so many, every tenant gets the smallest share anyway."""

_MANY_TENANTS_FACTOR = 15
"""How many times longer a count that stopped is reused. So hundreds of instances together send no more requests than
one partition can serve (docs/scale.md)."""


class TableWatchIndex(TableAdapter):
    """Implements `exports.ports.watch.WatchIndex` on the table `exportwatch`."""

    _default_table = "exportwatch"

    def __init__(
        self, account: StorageAccount, table: str | None = None, *, fresh_seconds: float = _FRESH_SECONDS
    ) -> None:
        super().__init__(account, table)
        self._fresh_seconds = fresh_seconds
        self._counted: tuple[float, Mapping[str, int]] | None = None

    def watch(self, entry: Watched) -> None:
        """See `WatchIndex.watch`."""
        with self._translate_failures():
            self._table.upsert_entity(_to_entity(entry), UpdateMode.REPLACE)

    def update(self, entry: Watched) -> None:
        """See `WatchIndex.update`."""
        with self._translate_failures():
            try:
                self._table.update_entity(_to_entity(entry), UpdateMode.REPLACE)
            except ResourceNotFoundError:
                return

    def unwatch(self, entry: Watched) -> None:
        """See `WatchIndex.unwatch`."""
        condition = MatchConditions.IfNotModified if entry.version else None
        with self._translate_failures():
            try:
                self._table.delete_entity(_ACTIVE, _row(entry), etag=entry.version or None, match_condition=condition)
            except (ResourceNotFoundError, ResourceModifiedError):
                return

    def watched(self, limit: int, after: Watched | None = None) -> list[Watched]:
        """See `WatchIndex.watched`."""
        rows = self._table.query_entities(
            "PartitionKey eq @kind and RowKey gt @after",
            parameters={"kind": _ACTIVE, "after": _row(after) if after else ""},
            results_per_page=limit,
        )
        with self._translate_failures():
            return [_from_entity(row) for row in islice(rows, limit)]

    def active(self) -> Mapping[str, int]:
        """See `WatchIndex.active`. Counts at most every two seconds.

        Every wave of every job calls this, in every process, and all counts read the same partition.
        """
        now = time.monotonic()
        if self._counted is None or now >= self._counted[0]:
            counted = self._count_active()
            factor = _MANY_TENANTS_FACTOR if len(counted) == MANY_TENANTS else 1
            self._counted = now + self._fresh_seconds * factor, counted
        return self._counted[1]

    def _count_active(self) -> Mapping[str, int]:
        rows = self._table.query_entities(f"PartitionKey eq '{_ACTIVE}'", select=["RowKey"])
        counted: Counter[str] = Counter()
        with self._translate_failures():
            for row in rows:
                tenant = row["RowKey"].partition("|")[0]
                if len(counted) == MANY_TENANTS and tenant not in counted:
                    break
                counted[tenant] += 1
        return counted

    def add_due(self, due: DueAction) -> None:
        """See `WatchIndex.add_due`."""
        with self._translate_failures():
            self._table.upsert_entity({"PartitionKey": _ENDED, "RowKey": _due_row(due), **DUE_ACTIONS.write(due)})

    def due(self, now: datetime, limit: int) -> list[DueAction]:
        """See `WatchIndex.due`. The row keys begin with the due moment."""
        rows = self._table.query_entities(
            "PartitionKey eq @kind and RowKey le @now",
            parameters={"kind": _ENDED, "now": f"{_sortable(now)}~"},
            results_per_page=limit,
        )
        with self._translate_failures():
            return [_due_from_entity(row) for row in islice(rows, limit)]

    def remove_due(self, due: DueAction) -> None:
        """See `WatchIndex.remove_due`."""
        with self._translate_failures():
            self._table.delete_entity(_ENDED, _due_row(due))

    def cursor(self, name: str) -> str:
        """See `WatchIndex.cursor`."""
        found = self._find(_CURSORS, name)
        return found["place"] if found else ""

    def save_cursor(self, name: str, cursor: str) -> None:
        """See `WatchIndex.save_cursor`."""
        with self._translate_failures():
            self._table.upsert_entity({"PartitionKey": _CURSORS, "RowKey": name, "place": cursor})


def _sortable(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_MOMENT)


def _due_row(due: DueAction) -> str:
    return f"{_sortable(due.due)}|{due.tenant}|{due.code}"


def _due_from_entity(entity: Any) -> DueAction:
    """Read all from the key, so that a damaged row does not stop the retention of all jobs."""
    moment, tenant, code = entity["RowKey"].split("|")
    return DueAction(tenant, code, datetime.strptime(moment, _MOMENT).replace(tzinfo=UTC))


def _row(entry: Watched) -> str:
    return f"{entry.tenant}|{entry.code}|{entry.attempt:06d}"


def _to_entity(entry: Watched) -> Entity:
    return {"PartitionKey": _ACTIVE, "RowKey": _row(entry), **ATTEMPTS.write(entry)}


def _from_entity(entity: Any) -> Watched:
    """Read an entry. The key names the attempt, so an entry that is damaged otherwise begins anew when it was written.

    If it raised an error, the watchdog would check no attempt at all.
    """
    tenant, code, attempt = entity["RowKey"].split("|")
    keys = {"tenant": tenant, "code": code, "attempt": int(attempt), "version": entity.metadata["etag"]}
    try:
        return ATTEMPTS.read(entity, **keys)
    except Exception:  # which class depends on the damage
        written = plain_moment(entity.metadata["timestamp"])
        return Watched(**keys, since=written, checked=written)
