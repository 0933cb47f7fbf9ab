"""How far a command has come."""

from __future__ import annotations

import time
from typing import TextIO

_BAR_WIDTH = 30
_SHOWN_EVERY_SECONDS = 0.05


class ProgressBar:
    """A bar on a terminal; elsewhere a line for every quarter."""

    def __init__(self, stream: TextIO, unit: str) -> None:
        self._stream, self._unit = stream, unit
        self._is_terminal = stream.isatty()
        self._began = time.monotonic()
        self._shown = 0.0
        self._ended = False
        self._quarters_told = 0

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def show(self, done: int, total: int) -> None:
        share = done / total if total else 1.0
        if self._is_terminal:
            self._draw(share, f"{done:,} of {total:,} {self._unit}", last=done == total)
        elif int(share * 4) > self._quarters_told:
            self._quarters_told = int(share * 4)
            self._stream.write(f"{done:,} of {total:,} {self._unit}\n")

    def _draw(self, share: float, text: str, *, last: bool) -> None:
        """Draw no more often than an eye can follow."""
        if self._ended or (not last and time.monotonic() - self._shown < _SHOWN_EVERY_SECONDS):
            return
        self._shown, self._ended = time.monotonic(), last
        bar = "█" * int(share * _BAR_WIDTH)
        self._stream.write(f"\r{bar:░<{_BAR_WIDTH}} {share:4.0%}  {text}" + ("\n" if last else ""))
        self._stream.flush()
