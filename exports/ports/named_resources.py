"""Port: a store of named resources. The stores of mappings and of schedules extend it."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Protocol, TypeVar

Resource = TypeVar("Resource")


class NamedResourceStore(Protocol[Resource]):
    """Stores the resources that tenants save under a name.

    Every method raises `StorageUnavailableError` when a retry can help.
    """

    def create(self, item: Resource, /) -> bool:
        """Add a resource. Returns False, and changes nothing, if its code is taken."""

    def get(self, tenant: str, code: str) -> Resource | None:
        """Look a resource up by tenant and code."""

    def all(self, tenant: str) -> builtins.list[Resource]:
        """Return every resource of a tenant, in any order. A tenant has at most a few hundred."""

    def count(self, tenant: str) -> int:
        """Count the resources of a tenant."""

    def change(self, tenant: str, code: str, alter: Callable[[Resource], Resource]) -> Resource:
        """Write `alter(resource)` if the resource has not changed since it was read; otherwise read it and try again.

        Writes nothing if `alter` changes nothing. `alter` may run several times. If it raises, the error passes
        through and nothing is written.

        Raises:
            RefusedError: The resource does not exist; the stores that extend this one name the class.
        """

    def delete(self, tenant: str, code: str, check: Callable[[Resource], None]) -> None:
        """Delete the resource if it has not changed since `check` approved it; otherwise read it and check again.

        `check` may run several times. If it raises, the error passes through and nothing is deleted.

        Raises:
            RefusedError: As `change`.
        """
