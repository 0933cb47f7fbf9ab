"""Ports: the store of schedules and the history of their runs."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from exports.ports.named_resources import NamedResourceStore
from exports.schedules.runs import ScheduleRun
from exports.schedules.schedule import Schedule, ScheduleRef


class ScheduleStore(NamedResourceStore[Schedule], Protocol):
    """Stores schedules. Raises `ScheduleNotFoundError` for a schedule that does not exist."""

    def due(self, now: datetime) -> Iterator[ScheduleRef]:
        """Yield the schedules of all tenants that are due by `now`, the longest due first.

        Reads only the references of these schedules. The caller may change schedules while it iterates.
        """

    def postpone(self, ref: ScheduleRef, until: datetime) -> None:
        """Make a schedule due at `until`; a change of the schedule ends this. Works for unreadable schedules too."""


class RunHistory(Protocol):
    """Records the runs of schedules: the outcome of each slot.

    Every method raises `StorageUnavailableError` when a retry can help.
    """

    def record(self, run: ScheduleRun) -> None:
        """Add a run. If there is a run with its key, it is replaced by one that has started and kept otherwise."""

    def list(self, ref: ScheduleRef, limit: int, after: str | None = None) -> builtins.list[ScheduleRun]:
        """Return at most `limit` runs after the key `after`, newest slot first."""

    def forget(self, ref: ScheduleRef, before: datetime | None = None) -> None:
        """Remove the runs of slots before a moment; None: all runs."""
