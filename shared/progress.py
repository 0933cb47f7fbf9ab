"""Shows the progress of a long task. Standard library only: dev.py imports this before anything is installed."""

from __future__ import annotations

import shutil
import time
from types import TracebackType
from typing import TextIO

_MAX_BAR_WIDTH = 30
_MIN_BAR_WIDTH = 10
_TEXT_WIDTH = 60
_MIN_REDRAW_SECONDS = 0.05
"""Redrawing more often than this costs time and cannot be seen."""


class ProgressBar:
    """Shows one line that updates itself on a terminal, and at most five lines (one per quarter) elsewhere.

    Leave its `with` block when the task has ended, so that later output begins on a new line.
    """

    def __init__(self, stream: TextIO, unit: str) -> None:
        self._stream = stream
        self._unit = unit
        self._is_terminal = stream.isatty()
        self._started = time.monotonic()
        self._drawn: float | None = None
        self._quarters_shown = -1

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._drawn is not None:
            self._stream.write("\n")
            self._stream.flush()

    def seconds(self) -> float:
        """Return the time since the task began."""
        return time.monotonic() - self._started

    def show(self, done: int, total: int | None) -> None:
        """Show how much is done.

        Args:
            total: None while the total is not known.
        """
        if self._is_terminal:
            self._draw(done, total)
        elif total is not None and (quarters := _quarters(done, total)) > self._quarters_shown:
            self._quarters_shown = quarters
            self._stream.write(f"  {progress_line(done, total, self._unit, self.seconds())}\n")
            self._stream.flush()

    def _draw(self, done: int, total: int | None) -> None:
        now = time.monotonic()
        if self._drawn is not None and now - self._drawn < _MIN_REDRAW_SECONDS and done != total:
            return
        self._drawn = now
        room = shutil.get_terminal_size().columns - _TEXT_WIDTH  # a line that wraps cannot be redrawn
        bar_width = max(_MIN_BAR_WIDTH, min(_MAX_BAR_WIDTH, room))
        self._stream.write(f"\r  {progress_line(done, total, self._unit, self.seconds(), bar_width)}\x1b[K")
        self._stream.flush()


def progress_line(done: int, total: int | None, unit: str, seconds: float, bar_width: int = _MAX_BAR_WIDTH) -> str:
    """Return one line: bar, percentage, units done and units per second."""
    if total is None:
        return f"[{'░' * bar_width}]   waiting to start"
    share = done / total if total else 1.0
    filled = int(share * bar_width)
    bar = "█" * filled + "░" * (bar_width - filled)
    rate = done / max(seconds, 0.001)
    return f"[{bar}] {int(share * 100):3d} %  {done:,} of {total:,} {unit}  {rate:,.0f} {unit}/s"


def _quarters(done: int, total: int) -> int:
    return 4 * done // total if total else 4
