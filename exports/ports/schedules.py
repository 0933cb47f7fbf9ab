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
    """Keeps schedules; one that is not there is a `ScheduleNotFoundError`."""

    def due(self, now: datetime) -> Iterator[ScheduleRef]:
        """Yield the schedules of all tenants that are due by now, those first that have been for longest.

        Reads no others, and none of them as a whole. Schedules may be changed meanwhile.
        """

    def postpone(self, ref: ScheduleRef, until: datetime) -> None:
        """Let a schedule, even one that cannot be read, not be due before `until`, unless it is changed."""


class RunHistory(Protocol):
    """Keeps what became of the slots of schedules. Raises `StorageUnavailableError` when trying again can help."""

    def note(self, run: ScheduleRun) -> None:
        """Add a run. If there is one of its key, one that has started takes its place, and any other is left out."""

    def list(self, ref: ScheduleRef, limit: int, after: str | None = None) -> builtins.list[ScheduleRun]:
        """Give at most `limit` runs, newest slot first, that come after the key `after`."""

    def forget(self, ref: ScheduleRef, before: datetime | None = None) -> None:
        """Remove the runs of slots before a moment, or all."""
