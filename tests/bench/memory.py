"""Measures the peak resident memory of a host, its workers and the real Durable extension by sampling."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import psutil

_INTERVAL_SECONDS = 0.05
_MEBIBYTE = 1024 * 1024
_WORKER = "devhost.workers.process"


class PeakMemory:
    """Samples the memory of a process and its children, every 50 milliseconds, while the context is open."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._peaks: dict[int, int] = {}
        self._workers: set[int] = set()
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
        """Return the peak resident set size in MiB: of the host, the largest worker and the extension."""
        others = self._peaks.keys() - self._workers - {self._root.pid}
        kinds = {
            "the host": {self._root.pid},
            "the largest worker": self._workers,
            "the extension": others,
        }
        return {name: max(self._peaks[pid] for pid in pids) / _MEBIBYTE for name, pids in kinds.items() if pids}

    def _watch(self) -> None:
        while not self._done.wait(_INTERVAL_SECONDS):
            for process in [self._root, *self._root.children()]:
                try:
                    size = process.memory_info().rss
                    if process.pid not in self._peaks and _WORKER in process.cmdline():
                        self._workers.add(process.pid)
                except psutil.NoSuchProcess:
                    continue
                self._peaks[process.pid] = max(size, self._peaks.get(process.pid, 0))
