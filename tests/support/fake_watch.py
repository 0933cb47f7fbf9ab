"""The index of jobs that need attention in memory."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from exports.jobs.retention import DueAction
from exports.jobs.watchdog import Watched


class MemoryWatchIndex:
    """Implements `WatchIndex` in dictionaries."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str, int], Watched] = {}
        self._due_actions: set[DueAction] = set()
        self._cursors: dict[str, str] = {}
        self._versions = itertools.count(1)

    def watch(self, entry: Watched) -> None:
        self._entries[_key(entry)] = replace(entry, version=str(next(self._versions)))

    def update(self, entry: Watched) -> None:
        if _key(entry) in self._entries:
            self._entries[_key(entry)] = replace(entry, version=str(next(self._versions)))

    def unwatch(self, entry: Watched) -> None:
        found = self._entries.get(_key(entry))
        if found is not None and entry.version in ("", found.version):
            del self._entries[_key(entry)]

    def watched(self, limit: int, after: Watched | None = None) -> list[Watched]:
        keys = sorted(key for key in self._entries if after is None or key > _key(after))
        return [self._entries[key] for key in keys][:limit]

    def active(self) -> Mapping[str, int]:
        return Counter(entry.tenant for entry in self._entries.values())

    def add_due(self, due: DueAction) -> None:
        self._due_actions.add(due)

    def due(self, now: datetime, limit: int) -> list[DueAction]:
        return sorted((due for due in self._due_actions if due.due <= now), key=lambda due: due.due)[:limit]

    def remove_due(self, due: DueAction) -> None:
        self._due_actions.discard(due)

    def cursor(self, name: str) -> str:
        return self._cursors.get(name, "")

    def save_cursor(self, name: str, cursor: str) -> None:
        self._cursors[name] = cursor


def _key(entry: Watched) -> tuple[str, str, int]:
    return entry.tenant, entry.code, entry.attempt
