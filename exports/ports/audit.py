"""Port: the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Protocol

from exports.jobs.audit import AuditEntry

if TYPE_CHECKING:
    pass


class AuditLog(Protocol):
    """Keeps audit entries for ever. Raises `StorageUnavailableError` when trying again can help."""

    def append(self, entry: AuditEntry) -> None:
        """Add an entry. There is no way to change or remove one."""

    def entries(self, tenant: str, day: date) -> Iterator[AuditEntry]:
        """Yield the entries of a tenant's day (UTC), oldest first."""
