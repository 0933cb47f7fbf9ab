"""Shared by all adapters of exports on Table Storage: which error they raise, and how they read damaged rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError

from exports.errors import StorageUnavailableError
from shared.events import emit
from shared.tables import StorageTable

T = TypeVar("T")
Entity = dict[str, Any]


class TableAdapter(StorageTable):
    """One table of exports. A failure that a retry can cure is raised as `StorageUnavailableError`."""

    _unavailable = StorageUnavailableError

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


def sortable_moment(moment: datetime) -> str:
    """Write a moment in UTC, to the microsecond, so that the texts sort as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26]


def readable(kind: str, rows: Iterable[Any], read: Callable[[Any], T]) -> Iterator[T]:
    """Read rows and leave out the damaged ones, so that one damaged row does not hide the others.

    Logs the keys of a damaged row and the class of the error. The error's text is not logged: it may hold client data
    or a secret.
    """
    for row in rows:
        try:
            found = read(row)
        except Exception as error:
            keys = {"partition": row["PartitionKey"], "row": row["RowKey"]}
            emit("row.unreadable", logging.ERROR, error=type(error).__name__, kind=kind, **keys)
        else:
            yield found
