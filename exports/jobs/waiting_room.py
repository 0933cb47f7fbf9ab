"""Limits how many requests of a process wait for the end of their jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class WaitingRoom:
    """Counts the requests that wait. Only the event loop uses it, so it needs no lock."""

    def __init__(self) -> None:
        self._waiting = 0

    @contextmanager
    def enter(self, most: int) -> Iterator[bool]:
        """Say whether one more request may wait, and count it until the end of the block if it may."""
        if self._waiting >= most:
            yield False
            return
        self._waiting += 1
        try:
            yield True
        finally:
            self._waiting -= 1
