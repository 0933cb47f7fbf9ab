"""Measures the peak resident memory of a host and its workers by sampling."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import psutil

_INTERVAL_SECONDS = 0.05
_MEBIBYTE = 1024 * 1024


class PeakMemory:
    """Samples the memory of a process and its children, every 50 milliseconds, while the context is open."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._peaks: dict[int, int] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def peaks(self) -> dict[str, float]:
        """Return the peak resident set size in MiB of the host and of the largest worker."""
        workers = [size for pid, size in self._peaks.items() if pid != self._root.pid]
        return {
            "the host": self._peaks[self._root.pid] / _MEBIBYTE,
            "the largest worker": max(workers) / _MEBIBYTE,
        }

    def _watch(self) -> None:
        while not self._done.wait(_INTERVAL_SECONDS):
            for process in [self._root, *self._root.children()]:
                try:
                    size = process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
                self._peaks[process.pid] = max(size, self._peaks.get(process.pid, 0))
