"""Shared by all adapters of exports on Table Storage: which error they raise, and how they read damaged rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from time import monotonic
from typing import Any, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError

from exports.errors import StorageUnavailableError
from shared.events import emit
from shared.storage import StorageAccount
from shared.tables import StorageTable

T = TypeVar("T")
Entity = dict[str, Any]
_TELL_AGAIN_SECONDS = 300
"""Shorter than the window of the alert, which so lasts as long as somebody lists the damaged row."""
_MAX_TOLD = 1_000


class TableAdapter(StorageTable):
    """One table of exports. A failure that a retry can cure is raised as `StorageUnavailableError`."""

    _unavailable = StorageUnavailableError

    def __init__(self, account: StorageAccount, table: str | None = None) -> None:
        super().__init__(account, table)
        self._told: dict[tuple[str, str], float] = {}

    def _readable(self, kind: str, rows: Iterable[Any], read: Callable[[Any], T]) -> Iterator[T]:
        """Read rows and leave out the damaged ones, so that one damaged row does not hide the others."""
        for row in rows:
            try:
                found = read(row)
            except Exception as error:
                self._tell_damage(kind, row, error)
            else:
                yield found

    def _tell_damage(self, kind: str, row: Any, error: Exception) -> None:
        """Log the keys of a damaged row and the class of the error: now and then, not whenever the row is listed.

        The error's text is not logged: it may hold client data or a secret.
        """
        keys, now = (row["PartitionKey"], row["RowKey"]), monotonic()
        told = self._told.get(keys)  # another thread may forget it meanwhile
        if told is not None and now - told < _TELL_AGAIN_SECONDS:
            return
        if len(self._told) >= _MAX_TOLD:
            self._told.clear()
        self._told[keys] = now
        emit("row.unreadable", logging.ERROR, error=type(error).__name__, kind=kind, partition=keys[0], row=keys[1])

    def _add_or_get(self, entity: Entity) -> Any:
        """Add a row and return None; if a row with its keys exists, return that row and change nothing.

        The insert is conditional: of several writers at once one succeeds, and the others get its row.
        """
        with self._translate_failures():
            try:
                self._table.create_entity(entity)
            except ResourceExistsError:
                return self._table.get_entity(entity["PartitionKey"], entity["RowKey"])
        return None


def if_version(version: str) -> dict[str, Any]:
    """Return the options of an operation that requires this version of its row."""
    return {"etag": version, "match_condition": MatchConditions.IfNotModified}


def any_of(name: str, values: Iterable[StrEnum]) -> str:
    """Return the condition that a property has one of the values.

    It has each value once: the storage refuses long queries, and callers may repeat one.
    """
    conditions = (f"{name} eq '{value}'" for value in dict.fromkeys(values))
    return f"({' or '.join(conditions)})"


def sortable_moment(moment: datetime) -> str:
    """Write a moment in UTC, to the microsecond, so that the texts sort as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26]
