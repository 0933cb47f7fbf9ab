"""The store of schedules and the history of their runs in memory."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from datetime import datetime

from exports.errors import ScheduleNotFoundError
from exports.schedules.runs import RunOutcome, ScheduleRun
from exports.schedules.schedule import Schedule, ScheduleRef
from tests.support.fake_named_resources import MemoryNamedResourceStore


class MemoryScheduleStore(MemoryNamedResourceStore[Schedule]):
    """Implements `ScheduleStore` in a dictionary. The schedules in `broken` cannot be read, like a damaged row."""

    missing = ScheduleNotFoundError

    def __init__(self) -> None:
        super().__init__()
        self.broken: set[ScheduleRef] = set()
        self._postponed: dict[ScheduleRef, tuple[Schedule, datetime]] = {}

    def get(self, tenant: str, code: str) -> Schedule | None:
        if ScheduleRef(tenant, code) in self.broken:
            raise ValueError("This row is not a schedule.")
        return super().get(tenant, code)

    def due(self, now: datetime) -> Iterator[ScheduleRef]:
        moments = [(self._due(item), item.tenant, item.code) for item in self._items.values()]
        found = [(due, tenant, code) for due, tenant, code in moments if due is not None and due <= now]
        for _, tenant, code in sorted(found):
            yield ScheduleRef(tenant, code)

    def postpone(self, ref: ScheduleRef, until: datetime) -> None:
        if (item := self._items.get((ref.tenant, ref.code))) is not None:
            self._postponed[ref] = (item, until)

    def _due(self, item: Schedule) -> datetime | None:
        """Return when a schedule is due. A change of the schedule ends its postponement."""
        postponed, until = self._postponed.get(item.ref, (None, None))
        return until if postponed is item else item.due_date


class MemoryRunHistory:
    """Implements `RunHistory` in a dictionary."""

    def __init__(self) -> None:
        self._runs: dict[tuple[ScheduleRef, str], ScheduleRun] = {}

    def record(self, run: ScheduleRun) -> None:
        key = (ScheduleRef(run.tenant, run.schedule_code), run.key)
        if run.outcome is RunOutcome.STARTED:
            self._runs[key] = run
        else:
            self._runs.setdefault(key, run)

    def list(self, ref: ScheduleRef, limit: int, after: str | None = None) -> builtins.list[ScheduleRun]:
        found = (run for (of, key), run in self._runs.items() if of == ref and key > (after or ""))
        return sorted(found, key=lambda run: run.key)[:limit]

    def forget(self, ref: ScheduleRef, before: datetime | None = None) -> None:
        for run in self.list(ref, len(self._runs)):
            if before is None or run.slot < before:
                del self._runs[ref, run.key]
