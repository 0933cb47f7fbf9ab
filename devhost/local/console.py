"""What is printed: a line per step, and the progress bar."""

from __future__ import annotations

import contextlib
import shutil
import time
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def step(label: str) -> Iterator[None]:
    """Print one line for the block: the label, then the seconds it took."""
    started = time.monotonic()
    print(f"  {label} … ", end="", flush=True)
    try:
        yield
    except BaseException as error:
        print("stopped" if isinstance(error, KeyboardInterrupt) else "failed", flush=True)
        raise
    print(f"{time.monotonic() - started:.1f} s", flush=True)


def shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def progress_line(done: int, total: int | None, seconds: float, bar_width: int = 30) -> str:
    """One line: bar, percentage, rows and rows per second; `total` is None until the service has counted."""
    if total is None:
        return f"[{'░' * bar_width}]   waiting to start"
    share = done / total if total else 1.0
    filled = int(share * bar_width)
    bar = "█" * filled + "░" * (bar_width - filled)
    return f"[{bar}] {int(share * 100):3d} %  {done:,} of {total:,} rows  {done / max(seconds, 0.001):,.0f} rows/s"


class ProgressBar:
    """Shows progress: one line that updates itself on a terminal, a line per quarter anywhere else."""

    def __init__(self, output: IO[str], terminal: bool) -> None:
        self._output = output
        self._terminal = terminal
        self._started = time.monotonic()
        self._shown = -1

    def show(self, done: int, total: int | None) -> None:
        bar_width = max(10, min(30, shutil.get_terminal_size().columns - 60))  # the line must not wrap
        line = progress_line(done, total, time.monotonic() - self._started, bar_width)
        if self._terminal:
            self._output.write(f"\r  {line}\x1b[K")
        elif self._is_next_quarter(done, total):
            self._output.write(f"  {line}\n")
        self._output.flush()

    def close(self) -> None:
        if self._terminal:
            self._output.write("\n")

    def _is_next_quarter(self, done: int, total: int | None) -> bool:
        if total is None:
            return False
        quarter = 4 * done // total if total else 4
        is_next = quarter > self._shown
        self._shown = max(quarter, self._shown)
        return is_next
