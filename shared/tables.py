"""What every adapter on Table Storage shares: its table, made when first used, and writes that lose nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, ClassVar

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient

from shared.storage import StorageAccount, failing_as

_PRECONDITION_FAILED = 412


class StorageTable:
    """One table of a storage account.

    Attributes:
        _unavailable: What a failure that can pass is raised as; subclasses say.
    """

    _unavailable: ClassVar[type[Exception]]

    def __init__(self, account: StorageAccount, table: str) -> None:
        self._account = account
        self._name = table

    @cached_property
    def _table(self) -> TableClient:
        with self._answering():
            return self._account.tables.create_table_if_not_exists(self._name)

    def _answering(self) -> AbstractContextManager[None]:
        """Raise failures that can pass as `_unavailable`; let the others through."""
        return failing_as(self._unavailable, "Table Storage did not answer.")

    def _insert(self, entity: dict[str, Any]) -> bool:
        """Add a row; False, and nothing changed, if there is one of its keys."""
        with self._answering():
            try:
                self._table.create_entity(entity)
            except ResourceExistsError:
                return False
        return True

    def _find(self, partition: str, row: str) -> Any:
        """Read a row with its metadata; None if there is none."""
        with self._answering():
            try:
                return self._table.get_entity(partition, row)
            except ResourceNotFoundError:
                return None

    def _if_unchanged(self, row: Any, write: Callable[..., object], *args: object) -> bool:
        """Write if the row still has its ETag; one that is gone counts as changed, and the next look finds out."""
        with self._answering():
            try:
                write(*args, etag=row.metadata["etag"], match_condition=MatchConditions.IfNotModified)
            except (ResourceModifiedError, ResourceNotFoundError):
                return False
            except HttpResponseError as error:
                if error.status_code == _PRECONDITION_FAILED:
                    return False
                raise
        return True
