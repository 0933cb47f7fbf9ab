"""Stores of named resources in memory."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from threading import Lock
from typing import Generic, Protocol, TypeVar

from exports.errors import MappingNotFoundError, RefusedError
from exports.mappings.mapping import SavedMapping
from tests.support.hooks import Hook, do_nothing


class NamedResource(Protocol):
    """A resource of a tenant, with a code."""

    @property
    def tenant(self) -> str: ...
    @property
    def code(self) -> str: ...


Resource = TypeVar("Resource", bound=NamedResource)


class MemoryNamedResourceStore(Generic[Resource]):
    """Implements `NamedResourceStore` with optimistic writes, as under an ETag.

    `before_write` runs between the read and the write of a change.

    Attributes:
        missing: The error for a resource that does not exist.
    """

    missing: type[RefusedError]

    def __init__(self) -> None:
        self.before_write: Hook = do_nothing
        self._items: dict[tuple[str, str], Resource] = {}
        self._lock = Lock()

    def create(self, item: Resource) -> bool:
        with self._lock:
            return self._items.setdefault((item.tenant, item.code), item) is item

    def get(self, tenant: str, code: str) -> Resource | None:
        return self._items.get((tenant, code))

    def all(self, tenant: str) -> builtins.list[Resource]:
        return [item for item in list(self._items.values()) if item.tenant == tenant]

    def count(self, tenant: str) -> int:
        return len(self.all(tenant))

    def change(self, tenant: str, code: str, alter: Callable[[Resource], Resource]) -> Resource:
        while True:
            before = self._require(tenant, code)
            after = alter(before)
            if after == before:
                return after
            self.before_write()
            with self._lock:
                if self.get(tenant, code) is before:
                    self._items[tenant, code] = after
                    return after

    def delete(self, tenant: str, code: str, check: Callable[[Resource], None]) -> None:
        before: Resource | None = self._require(tenant, code)
        while before is not None:
            check(before)
            self.before_write()
            with self._lock:
                if self.get(tenant, code) is before:
                    del self._items[tenant, code]
                    return
                before = self.get(tenant, code)

    def _require(self, tenant: str, code: str) -> Resource:
        found = self.get(tenant, code)
        if found is None:
            raise self.missing("There is none.")
        return found


class MemoryMappingStore(MemoryNamedResourceStore[SavedMapping]):
    """Implements `MappingStore` in a dictionary."""

    missing = MappingNotFoundError
