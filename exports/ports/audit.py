"""Port: the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Protocol

from exports.jobs.audit import AuditEntry


class AuditLog(Protocol):
    """Keeps audit entries for ever. Every method raises `StorageUnavailableError` when a retry can help."""

    def append(self, entry: AuditEntry) -> None:
        """Add an entry. Entries cannot be changed or removed."""

    def entries(self, tenant: str, day: date) -> Iterator[AuditEntry]:
        """Yield the entries of a tenant's day (UTC), oldest first."""
