"""Port: the index in which the watchdog finds jobs that need attention."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from exports.jobs.retention import DueAction
from exports.jobs.watchdog import Watched


class WatchIndex(Protocol):
    """Finds the jobs that need attention without reading the rows of all jobs. Raises `StorageUnavailableError` when
    trying again can help.

    Attempts under way: an entry is written before the job's row says that there is this attempt, and removed after the
    row says that it has ended. So whatever crashes in between, an attempt that is under way has an entry.
    """

    def watch(self, entry: Watched) -> None:
        """Watch an attempt; in place of an entry that it may have."""

    def note(self, entry: Watched) -> None:
        """Store what was seen of an attempt; nothing if it is no longer watched."""

    def unwatch(self, entry: Watched) -> None:
        """Watch an attempt no longer; but if the entry was read from storage, only if it is as it was then."""

    def watched(self, limit: int, after: Watched | None = None) -> list[Watched]:
        """Give at most `limit` entries, that come after one of them in an order that stays."""

    def active(self) -> Mapping[str, int]:
        """Count attempts under way by tenant; may be some seconds old, and end at 250 tenants."""

    def remember(self, due: DueAction) -> None:
        """Remember that something is to be done about a job that has ended."""

    def due(self, now: datetime, limit: int) -> list[DueAction]:
        """Give at most `limit` of what is due by now, the longest due first."""

    def forget(self, due: DueAction) -> None:
        """Forget it; nothing if it is not remembered."""

    def cursor(self, name: str) -> str:
        """Where a sweep of this name goes on; empty: at the beginning."""

    def save_cursor(self, name: str, cursor: str) -> None:
        """Keep where a sweep goes on."""
