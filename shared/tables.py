"""Shared by all adapters on Table Storage: a table that is created on first use, and writes that are safe to repeat."""

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

from shared.storage import StorageAccount, translate_failures

T = TypeVar("T")
_PRECONDITION_FAILED = 412
_MOST_ROWS_OF_TRANSACTION = 100
_WRITTEN = "written"
"""The property that holds the write token, in every row that is written conditionally. Every write stores a new token.
So a writer that does not know whether its request took effect can read the row and look for its own token."""

Operation = tuple[Any, ...]
"""One operation of a transaction: `create`, `update`, `upsert` or `delete`, then the row, then optionally a dict of
options."""


class StorageTable:
    """One table of a storage account.

    Attributes:
        _default_table: The name of the table, unless its maker gives another one.
        _unavailable: The error that a transient failure or a refusal of storage is raised as. Subclasses define it.
    """

    _default_table: ClassVar[str]
    _unavailable: ClassVar[type[Exception]]

    def __init__(self, account: StorageAccount, table: str | None = None) -> None:
        self._account = account
        self._name = table or self._default_table

    @cached_property
    def _table(self) -> TableClient:
        with self._translate_failures():
            return self._account.tables.create_table_if_not_exists(self._name)

    def _translate_failures(self) -> AbstractContextManager[None]:
        """Raise transient failures and refusals as `_unavailable`; let other errors through."""
        return translate_failures(self._unavailable, "Table Storage")

    def _insert(self, entity: dict[str, Any]) -> bool:
        """Add a row. Return False, and change nothing, if a row with its keys exists.

        An ambiguous write is verified: if the response to the insert is lost, or the client library then sends the
        insert again and finds its own row, the row's write token shows that the insert succeeded.
        """
        entity = with_write_token(entity)

        def create() -> bool:
            with self._translate_failures():
                try:
                    self._table.create_entity(entity)
                except ResourceExistsError:
                    return False
            return True

        return self._verify_if_ambiguous(entity, create)

    def _find(self, partition: str, row: str) -> Any:
        """Read a row with its metadata. Return None if it does not exist."""
        with self._translate_failures():
            try:
                return self._table.get_entity(partition, row)
            except ResourceNotFoundError:
                return None

    def _write_if_unchanged(self, row: Any, entity: dict[str, Any]) -> bool:
        """Replace a row by `entity` if it has not changed since it was read. Verifies as `_insert` does."""
        return self._replace_version(row.metadata["etag"], entity) is not None

    def _replace_version(self, version: str, entity: dict[str, Any]) -> str | None:
        """Replace a row by `entity` if it still has this version. Verifies as `_insert` does.

        Returns:
            The new version, which is empty if the response was lost; None if nothing was written.
        """
        entity = with_write_token(entity)
        written: dict[str, Any] = {}

        def update(**condition: Any) -> None:
            written.update(self._table.update_entity(entity, UpdateMode.REPLACE, **condition))

        done = self._verify_if_ambiguous(entity, lambda: self._if_unchanged(version, update))
        return str(written.get("etag") or "") if done else None

    def _remove_rows(self, partition: str, condition: str = "") -> None:
        """Remove the rows of a partition, a hundred in one transaction, which is the most that storage allows.

        Args:
            condition: Only rows that meet it are removed, e.g. `RowKey gt 'x'`; empty: all rows.
        """
        query = "PartitionKey eq @key" + (f" and {condition}" if condition else "")
        keys = ["PartitionKey", "RowKey"]
        with self._translate_failures():
            rows = self._table.query_entities(query, parameters={"key": partition}, select=keys)
            for batch in batched(rows, _MOST_ROWS_OF_TRANSACTION):
                try:
                    self._table.submit_transaction([("delete", row) for row in batch])
                except TableTransactionError:  # another process removes the same rows
                    for row in batch:
                        self._table.delete_entity(row)

    def _if_unchanged(self, version: str, write: Callable[..., object], *args: object) -> bool:
        """Write if the row still has its ETag. A row that is gone counts as changed; the next read finds out."""
        with self._translate_failures():
            try:
                write(*args, etag=version, match_condition=MatchConditions.IfNotModified)
            except (ResourceModifiedError, ResourceNotFoundError):
                return False
            except HttpResponseError as error:
                if error.status_code == _PRECONDITION_FAILED:
                    return False
                raise
        return True

    def _transact(self, operations: Sequence[Operation], refusals: Collection[int], *, of_any: bool = False) -> bool:
        """Do all operations, on rows of one partition, or none.

        Verifies as `_insert` does, unless the first operation is a deletion, which leaves no row.

        Args:
            refusals: Statuses with which storage may refuse the first operation because its row is not in the expected
                state.
            of_any: Whether storage may so refuse the other operations too.

        Returns:
            False, and nothing was done, if such an operation was refused with one of these statuses.
        """
        (verb, entity, *options), *others = operations
        entity = entity if verb == "delete" else with_write_token(entity)

        def submit() -> bool:
            with self._translate_failures():
                try:
                    self._table.submit_transaction([(verb, entity, *options), *others])
                except TableTransactionError as error:
                    if (error.index != 0 and not of_any) or error.status_code not in refusals:
                        raise
                    return False
            return True

        return self._verify_if_ambiguous(entity, submit)

    def _verify_if_ambiguous(self, entity: dict[str, Any], write: Callable[[], bool]) -> bool:
        """Write, and return whether the write took effect.

        A refusal may be the answer to a repeated request whose first response was lost, and a failure may come after
        the write took effect. In both cases the write took effect if the stored row holds the write token of `entity`.
        """
        try:
            written = write()
        except self._unavailable:
            if self._is_stored(entity):
                return True
            raise
        return written or self._is_stored(entity)

    def _is_stored(self, entity: dict[str, Any]) -> bool:
        """Return whether the stored row is the one that this write stored, by its write token."""
        return is_own_write(self._find(entity["PartitionKey"], entity["RowKey"]), entity)


def is_own_write(found: Any, entity: dict[str, Any]) -> bool:
    """Return whether the row that was found is the one that a write of `entity` stored, by its write token."""
    return found is not None and _WRITTEN in entity and found.get(_WRITTEN) == entity[_WRITTEN]


def with_write_token(entity: dict[str, Any]) -> dict[str, Any]:
    """Return the row with a new write token."""
    return {**entity, _WRITTEN: uuid4().hex}


def batched(items: Iterable[T], most: int) -> Iterator[tuple[T, ...]]:
    """Yield tuples of at most `most` items (`itertools.batched` of Python 3.12)."""
    rest = iter(items)
    while batch := tuple(islice(rest, most)):
        yield batch
