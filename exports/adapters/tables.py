"""What every adapter on Table Storage shares: its table, made when it is first used, and how its failures are told."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cached_property

from azure.data.tables import TableClient

from exports.errors import StorageUnavailableError
from shared.storage import StorageAccount, failing_as


class TableAdapter:
    """One table of a storage account. Subclasses ask it within `answering()`."""

    def __init__(self, account: StorageAccount, table: str) -> None:
        self._account = account
        self._name = table

    @cached_property
    def _table(self) -> TableClient:
        with answering():
            return self._account.tables.create_table_if_not_exists(self._name)


def answering() -> AbstractContextManager[None]:
    """Raise failures that can pass as `StorageUnavailableError`; let the others through."""
    return failing_as(StorageUnavailableError, "Table Storage did not answer.")


def plain_moment(value: datetime) -> datetime:
    """Turn the SDK's subclass of datetime, which carries the service's text, into a plain one."""
    return datetime.fromtimestamp(0, UTC) + (value - datetime.fromtimestamp(0, UTC))
