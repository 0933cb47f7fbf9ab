"""What tables of things that tenants save share: a change or a deletion is of what was seen, or is thought of anew."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Generic, TypeVar

from exports.adapters.storage.table_adapter import TableAdapter, readable

S = TypeVar("S")


class NamedResourceTable(TableAdapter, Generic[S]):
    """A table whose rows are found by tenant and code.

    Attributes:
        kind: What it holds, for the log.
    """

    kind: ClassVar[str]

    def get(self, tenant: str, code: str) -> S | None:
        """Look one up by tenant and code."""
        row = self._row(tenant, code)
        return None if row is None else self._read(row)

    def all(self, tenant: str) -> list[S]:
        """Give all of a tenant that can be read, by code."""
        return [*readable(self.kind, self._rows(tenant), self._read)]

    def change(self, tenant: str, code: str, alter: Callable[[S], S]) -> S:
        """Write what `alter` makes of it, if it is still as it was read; else read and alter again."""
        while True:
            row = self._require(tenant, code)
            before = self._read(row)
            after = alter(before)
            if after == before or self._replace(row, after):
                return after

    def delete(self, tenant: str, code: str, check: Callable[[S], None]) -> None:
        """Delete it, if it is still the one that `check` has seen; else read and check again."""
        while True:
            row = self._require(tenant, code)
            check(self._read(row))
            if self._remove(row):
                return

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
    def _read(self, row: Any) -> S: ...

    @abstractmethod
    def _replace(self, row: Any, after: S) -> bool: ...

    @abstractmethod
    def _remove(self, row: Any) -> bool: ...

    @abstractmethod
    def _not_found(self) -> Exception: ...
