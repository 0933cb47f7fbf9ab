"""Port: the index in which the watchdog finds jobs that need attention."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from exports.jobs.retention import DueAction
from exports.jobs.watchdog import Watched


class WatchIndex(Protocol):
    """Finds the jobs that need attention, without reading the rows of all jobs.

    Every method raises `StorageUnavailableError` when a retry can help.

    An attempt's entry is written before the job's row names the attempt, and removed after the row says that the
    attempt has ended. So a running attempt always has an entry, even if a process crashes between the two writes.
    """

    def watch(self, entry: Watched) -> None:
        """Watch an attempt. Replaces the attempt's entry, if it has one."""

    def update(self, entry: Watched) -> None:
        """Update the entry of an attempt. Does nothing if the attempt is no longer watched."""

    def unwatch(self, entry: Watched) -> None:
        """Stop watching an attempt. If the entry was read from storage, removes it only if it has not changed since."""

    def watched(self, limit: int, after: Watched | None = None) -> list[Watched]:
        """Return at most `limit` entries after one of them, in an order that does not change."""

    def active(self) -> Mapping[str, int]:
        """Count running attempts by tenant. The count may be some seconds old, and stops at 250 tenants."""

    def add_due(self, due: DueAction) -> None:
        """Store that an action is due on a job that has ended."""

    def due(self, now: datetime, limit: int) -> list[DueAction]:
        """Return at most `limit` actions that are due by `now`, the longest due first."""

    def remove_due(self, due: DueAction) -> None:
        """Remove a due action, if it exists."""

    def cursor(self, name: str) -> str:
        """Return the saved cursor of the sweep with this name; empty: the sweep starts at the beginning."""

    def save_cursor(self, name: str, cursor: str) -> None:
        """Save the cursor at which the sweep with this name continues."""
