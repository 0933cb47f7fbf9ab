"""What tenants save, in memory. Each fake passes the same contract suite as the adapter it stands for."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from datetime import datetime
from threading import Lock
from typing import Generic, Protocol, TypeVar

from exports.errors import MappingNotFoundError, RefusedError, ScheduleNotFoundError
from exports.mappings.mapping import SavedMapping
from exports.schedules.runs import RunOutcome, ScheduleRun
from exports.schedules.schedule import Schedule, ScheduleRef
from tests.support.fake_clients import Hook, do_nothing


class Saved(Protocol):
    """What has a code, and belongs to a tenant."""

    @property
    def tenant(self) -> str: ...
    @property
    def code(self) -> str: ...


S = TypeVar("S", bound=Saved)


class MemorySaved(Generic[S]):
    """A `NamedResourceStore` that writes as under an ETag. `before_write` runs between reading and writing."""

    missing: type[RefusedError]

    def __init__(self) -> None:
        self.before_write: Hook = do_nothing
        self._items: dict[tuple[str, str], S] = {}
        self._lock = Lock()

    def create(self, item: S) -> bool:
        with self._lock:
            return self._items.setdefault((item.tenant, item.code), item) is item

    def get(self, tenant: str, code: str) -> S | None:
        return self._items.get((tenant, code))

    def all(self, tenant: str) -> builtins.list[S]:
        return [item for item in list(self._items.values()) if item.tenant == tenant]

    def count(self, tenant: str) -> int:
        return len(self.all(tenant))

    def change(self, tenant: str, code: str, alter: Callable[[S], S]) -> S:
        while True:
            before = self._require(tenant, code)
            after = alter(before)
            if after == before:
                return after
            self.before_write()
            with self._lock:
                if self.get(tenant, code) is before:
                    self._items[tenant, code] = after
                    return after

    def delete(self, tenant: str, code: str, check: Callable[[S], None]) -> None:
        while True:
            before = self._require(tenant, code)
            check(before)
            self.before_write()
            with self._lock:
                if self.get(tenant, code) is before:
                    del self._items[tenant, code]
                    return

    def _require(self, tenant: str, code: str) -> S:
        found = self.get(tenant, code)
        if found is None:
            raise self.missing("There is none.")
        return found


class MemoryMappingStore(MemorySaved[SavedMapping]):
    """`MappingStore` in a dictionary."""

    missing = MappingNotFoundError


class MemoryScheduleStore(MemorySaved[Schedule]):
    """`ScheduleStore` in a dictionary. What is `broken` cannot be read, as a row that somebody has damaged."""

    missing = ScheduleNotFoundError

    def __init__(self) -> None:
        super().__init__()
        self.broken: set[ScheduleRef] = set()
        self._postponed: dict[ScheduleRef, tuple[Schedule, datetime]] = {}

    def get(self, tenant: str, code: str) -> Schedule | None:
        if ScheduleRef(tenant, code) in self.broken:
            raise ValueError("This is no schedule.")
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
        """When it is due: postponed only as long as it is not changed."""
        known, until = self._postponed.get(item.ref, (None, None))
        return until if known is item else item.due_date


class MemoryRunHistory:
    """`RunHistory` in a dictionary."""

    def __init__(self) -> None:
        self._runs: dict[tuple[ScheduleRef, str], ScheduleRun] = {}

    def note(self, run: ScheduleRun) -> None:
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
