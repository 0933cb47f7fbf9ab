"""The index of jobs that need attention, in memory."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from exports.jobs.retention import DueAction
from exports.jobs.watchdog import Watched


class MemoryWatchIndex:
    """`WatchIndex` in a dictionary."""

    def __init__(self) -> None:
        self._entries: dict[str, Watched] = {}
        self._dues: set[DueAction] = set()
        self._places: dict[str, str] = {}
        self._versions = itertools.count(1)

    def watch(self, entry: Watched) -> None:
        self._entries[_row(entry)] = replace(entry, version=str(next(self._versions)))

    def note(self, entry: Watched) -> None:
        if _row(entry) in self._entries:
            self._entries[_row(entry)] = replace(entry, version=str(next(self._versions)))

    def unwatch(self, entry: Watched) -> None:
        found = self._entries.get(_row(entry))
        if found is not None and entry.version in ("", found.version):
            del self._entries[_row(entry)]

    def watched(self, limit: int, after: Watched | None = None) -> list[Watched]:
        rows = sorted(row for row in self._entries if after is None or row > _row(after))
        return [self._entries[row] for row in rows][:limit]

    def active(self) -> Mapping[str, int]:
        return Counter(entry.tenant for entry in self._entries.values())

    def remember(self, due: DueAction) -> None:
        self._dues.add(due)

    def due(self, now: datetime, limit: int) -> list[DueAction]:
        return sorted((due for due in self._dues if due.due <= now), key=lambda due: due.due)[:limit]

    def forget(self, due: DueAction) -> None:
        self._dues.discard(due)

    def cursor(self, name: str) -> str:
        return self._places.get(name, "")

    def save_cursor(self, name: str, cursor: str) -> None:
        self._places[name] = cursor


def _row(entry: Watched) -> str:
    return f"{entry.tenant}|{entry.code}|{entry.attempt:06d}"
