"""What every adapter of exports on Table Storage shares."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, TypeVar

from exports.errors import StorageUnavailableError
from shared.storage import failing_as
from shared.tables import StorageTable

T = TypeVar("T")
_log = logging.getLogger(__name__)


class TableAdapter(StorageTable):
    """One table of exports. Subclasses ask it within `answering()`."""

    _unavailable = StorageUnavailableError


def answering() -> AbstractContextManager[None]:
    """Raise failures that can pass as `StorageUnavailableError`; let the others through."""
    return failing_as(StorageUnavailableError, "Table Storage did not answer.")


def plain_moment(value: datetime) -> datetime:
    """Turn the SDK's subclass of datetime, which carries the service's text, into a plain one."""
    return datetime.fromtimestamp(0, UTC) + (value - datetime.fromtimestamp(0, UTC))


def readable(kind: str, rows: Iterable[Any], read: Callable[[Any], T]) -> Iterator[T]:
    """Read rows; leave out what is damaged, so that one row does not hide all others: its keys are in the log."""
    for row in rows:
        try:
            found = read(row)
        except Exception as error:  # whatever is wrong with it; what the error says may be a client's or a secret
            what = row["PartitionKey"], row["RowKey"], type(error).__name__
            _log.error("event=%s.unreadable partition=%s row=%s error=%s", kind, *what)
        else:
            yield found
