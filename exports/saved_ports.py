"""What the steps need to keep what tenants save; structural types, as those of `exports.ports`."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol, TypeVar

from exports.mappings import SavedMapping
from exports.scheduling.runs import ScheduleRun
from exports.scheduling.schedules import Schedule, ScheduleRef

S = TypeVar("S")


class SavedStore(Protocol[S]):
    """Keeps what tenants save. Every method raises `StorageUnavailableError` when trying again can help."""

    def create(self, item: S, /) -> bool:
        """Add one; False, and nothing changed, if its code is taken."""

    def get(self, tenant: str, code: str) -> S | None:
        """Look one up by tenant and code."""

    def all(self, tenant: str) -> builtins.list[S]:
        """Give every one of a tenant, in any order; there are at most a few hundred."""

    def count(self, tenant: str) -> int:
        """Count those of a tenant."""

    def change(self, tenant: str, code: str, alter: Callable[[S], S]) -> S:
        """Write what `alter` makes of it if it is still as it was read, else read and alter again; no change, no write.

        `alter` may run several times; what it raises passes through and nothing is written.

        Raises:
            RefusedError: There is none; the stores below name the class.
        """

    def delete(self, tenant: str, code: str, check: Callable[[S], None]) -> None:
        """Delete it if it is still as `check` has seen it, else read and check again.

        `check` may run several times; what it raises passes through and nothing is deleted.

        Raises:
            RefusedError: As `change`.
        """


class MappingStore(SavedStore[SavedMapping], Protocol):
    """Keeps saved mappings; one that is not there is a `MappingNotFoundError`."""


class ScheduleStore(SavedStore[Schedule], Protocol):
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
