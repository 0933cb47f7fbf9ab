"""Port: the audit log."""

from __future__ import annotations

import builtins
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from exports.jobs.audit import AuditAction, AuditEntry

_POSITION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class AuditConditions:
    """Which entries a list has: all conditions must hold.

    Attributes:
        actions: Only entries of one of these actions; empty: of any.
        actor: Only entries of this actor.
        code: Only entries about the job, schedule or key with this code.
    """

    actions: Collection[AuditAction] = ()
    actor: str | None = None
    code: str | None = None


EVERY_ENTRY = AuditConditions()


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry and its position in the log, which begins with its day (UTC)."""

    position: str
    entry: AuditEntry


class AuditLog(Protocol):
    """Keeps audit entries for ever. Every method raises `StorageUnavailableError` when a retry can help."""

    def append(self, entry: AuditEntry) -> None:
        """Add an entry. Entries cannot be changed or removed."""

    def entries(self, tenant: str, day: date) -> Iterator[AuditEntry]:
        """Yield the entries of a tenant's day (UTC), oldest first."""

    def list(
        self, tenant: str, day: date, limit: int, after: str | None = None, wanted: AuditConditions = EVERY_ENTRY
    ) -> builtins.list[LoggedEntry]:
        """Return the first `limit` entries of a tenant's day (UTC) after a position, oldest first."""


def day_of_position(text: str) -> date | None:
    """Return the day of a position in the log; None if the text is no position."""
    try:
        return date.fromisoformat(text[:10]) if _POSITION.fullmatch(text) else None
    except ValueError:
        return None
