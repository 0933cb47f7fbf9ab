"""What every adapter on Table Storage shares: its table, made when first used, and writes that lose nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, TableTransactionError, UpdateMode

from shared.storage import StorageAccount, failing_as

T = TypeVar("T")
_PRECONDITION_FAILED, _MOST_ROWS_OF_TRANSACTION = 412, 100
_MARK = "written"
"""Property of every row that is written conditionally: another value with every write, so that a write knows itself."""


Operation = tuple[Any, ...]
"""Of a transaction: `create`, `update`, `upsert` or `delete`, the row, and the options of that, if there are any."""


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
        """Add a row; False, and nothing changed, if there is one of its keys.

        Safe where the answer to an insert is lost, or where the client library, having lost it, sends the insert
        again and meets its own row.
        """
        marked = _marked(entity)

        def create() -> bool:
            with self._answering():
                try:
                    self._table.create_entity(marked)
                except ResourceExistsError:
                    return False
            return True

        return self._knowing_own(marked, create)

    def _find(self, partition: str, row: str) -> Any:
        """Read a row with its metadata; None if there is none."""
        with self._answering():
            try:
                return self._table.get_entity(partition, row)
            except ResourceNotFoundError:
                return None

    def _write_if_unchanged(self, row: Any, entity: dict[str, Any]) -> bool:
        """Write `entity` in place of the row that was read, if that is still as it was; safe as `_insert` is."""
        return self._replace_version(row.metadata["etag"], entity) is not None

    def _replace_version(self, version: str, entity: dict[str, Any]) -> str | None:
        """Write `entity` in place of a row that still has this version; safe as `_insert` is.

        Returns:
            Its new version, which is empty if the answer was lost; None if nothing was written.
        """
        marked = _marked(entity)
        written: dict[str, Any] = {}

        def update(**condition: Any) -> None:
            written.update(self._table.update_entity(marked, UpdateMode.REPLACE, **condition))

        done = self._knowing_own(marked, lambda: self._if_unchanged(version, update))
        return str(written.get("etag") or "") if done else None

    def _remove_rows(self, partition: str, condition: str = "") -> None:
        """Remove the rows of a partition, a hundred in one transaction, which is the most that storage allows.

        Args:
            condition: Only rows that meet it are removed, e.g. `RowKey gt 'x'`. Empty: all rows.
        """
        query = "PartitionKey eq @key" + (f" and {condition}" if condition else "")
        keys = ["PartitionKey", "RowKey"]
        with self._answering():
            rows = self._table.query_entities(query, parameters={"key": partition}, select=keys)
            for batch in batched(rows, _MOST_ROWS_OF_TRANSACTION):
                try:
                    self._table.submit_transaction([("delete", row) for row in batch])
                except TableTransactionError:  # another process removes the same rows
                    for row in batch:
                        self._table.delete_entity(row)

    def _if_unchanged(self, version: str, write: Callable[..., object], *args: object) -> bool:
        """Write if the row still has its ETag; one that is gone counts as changed, and the next look finds out."""
        with self._answering():
            try:
                write(*args, etag=version, match_condition=MatchConditions.IfNotModified)
            except (ResourceModifiedError, ResourceNotFoundError):
                return False
            except HttpResponseError as error:
                if error.status_code == _PRECONDITION_FAILED:
                    return False
                raise
        return True

    def _transact(self, operations: Sequence[Operation], refusals: Collection[int]) -> bool:
        """Do all operations, on rows of one partition, or none of them; safe as `_insert` is, unless the first deletes.

        Returns:
            False, and nothing done, if the first is refused with one of the statuses: its row is not as it was thought
            to be.
        """
        (verb, entity, *options), *others = operations
        marked = entity if verb == "delete" else _marked(entity)

        def submit() -> bool:
            with self._answering():
                try:
                    self._table.submit_transaction([(verb, marked, *options), *others])
                except TableTransactionError as error:
                    if error.index != 0 or error.status_code not in refusals:
                        raise
                    return False
            return True

        return self._knowing_own(marked, submit)

    def _knowing_own(self, marked: dict[str, Any], write: Callable[[], bool]) -> bool:
        """Write; what is refused, or not answered, was done after all if the row that is there has our mark."""
        try:
            written = write()
        except self._unavailable:
            if self._has_mark(marked):
                return True
            raise
        return written or self._has_mark(marked)

    def _has_mark(self, marked: dict[str, Any]) -> bool:
        """Whether the row that is there is the very one that was to be written."""
        found = self._find(marked["PartitionKey"], marked["RowKey"])
        return found is not None and _MARK in marked and found.get(_MARK) == marked[_MARK]


def _marked(entity: dict[str, Any]) -> dict[str, Any]:
    return {**entity, _MARK: uuid4().hex}


def batched(items: Iterable[T], most: int) -> Iterator[tuple[T, ...]]:
    """Yield items together, as many as may be (`itertools.batched` of Python 3.12)."""
    rest = iter(items)
    while together := tuple(islice(rest, most)):
        yield together
