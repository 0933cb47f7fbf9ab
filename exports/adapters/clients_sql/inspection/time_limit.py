"""Limit the seconds that a check of a view may take in all, and in each part."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_LEAST_SECONDS = 0.1


class TimeLimit:
    """The time that is left. Statements of the check ask for it when they begin."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._part_end = self._end

    @contextmanager
    def part(self, seconds: float) -> Iterator[None]:
        """Limit the block to so many seconds, or to those that are left."""
        self._part_end = min(time.monotonic() + seconds, self._end)
        try:
            yield
        finally:
            self._part_end = self._end

    @property
    def seconds_left(self) -> float:
        """The seconds that the present part may still take. Never zero, which databases take for no limit."""
        return max(_LEAST_SECONDS, self._part_end - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the present part has used up its time."""
        return time.monotonic() >= self._part_end
