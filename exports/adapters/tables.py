"""What every adapter of exports on Table Storage shares."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime

from exports.errors import StorageUnavailableError
from shared.storage import failing_as
from shared.tables import StorageTable


class TableAdapter(StorageTable):
    """One table of exports. Subclasses ask it within `answering()`."""

    _unavailable = StorageUnavailableError


def answering() -> AbstractContextManager[None]:
    """Raise failures that can pass as `StorageUnavailableError`; let the others through."""
    return failing_as(StorageUnavailableError, "Table Storage did not answer.")


def plain_moment(value: datetime) -> datetime:
    """Turn the SDK's subclass of datetime, which carries the service's text, into a plain one."""
    return datetime.fromtimestamp(0, UTC) + (value - datetime.fromtimestamp(0, UTC))
