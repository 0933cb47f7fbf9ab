"""Shared by the tables of named resources: changes and deletions are conditional on the version that was read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Generic, TypeVar

from exports.adapters.storage.table_adapter import TableAdapter
from exports.errors import StorageUnavailableError

Resource = TypeVar("Resource")


class NamedResourceTable(TableAdapter, Generic[Resource]):
    """A table of named resources, found by tenant and code. Implements the methods that all these stores share.

    Attributes:
        kind: The kind of resource, for log messages.
    """

    kind: ClassVar[str]

    def get(self, tenant: str, code: str) -> Resource | None:
        """See `NamedResourceStore.get`."""
        row = self._row(tenant, code)
        return None if row is None else self._read(row)

    def all(self, tenant: str) -> list[Resource]:
        """See `NamedResourceStore.all`. Logs and leaves out rows that cannot be read."""
        return [*self._readable(self.kind, self._rows(tenant), self._read)]

    def change(self, tenant: str, code: str, alter: Callable[[Resource], Resource]) -> Resource:
        """See `NamedResourceStore.change`."""
        while True:
            row = self._require(tenant, code)
            before = self._read(row)
            after = alter(before)
            if after == before or self._replace(row, after):
                return after

    def delete(self, tenant: str, code: str, check: Callable[[Resource], None]) -> None:
        """See `NamedResourceStore.delete`."""
        row = self._require(tenant, code)
        while row is not None:
            check(self._read(row))
            try:
                if self._remove(row):
                    return
            except StorageUnavailableError:
                if self._row(tenant, code) is not None:
                    raise
            row = self._row(tenant, code)  # none: it is deleted, perhaps by a request whose answer was lost

    def _require(self, tenant: str, code: str) -> Any:
        row = self._row(tenant, code)
        if row is None:
            raise self._not_found()
        return row

    @abstractmethod
    def _rows(self, tenant: str) -> Iterable[Any]: ...

    @abstractmethod
    def _row(self, tenant: str, code: str) -> Any: ...

    @abstractmethod
    def _read(self, row: Any) -> Resource: ...

    @abstractmethod
    def _replace(self, row: Any, after: Resource) -> bool: ...

    @abstractmethod
    def _remove(self, row: Any) -> bool: ...

    @abstractmethod
    def _not_found(self) -> Exception: ...
