"""Let the threads of a process read one at a time, so that their pages end one after the other."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import count
from threading import Condition
from typing import NamedTuple

from exports.file.renderer import Records

_SHORT_ROWS = 1_000
"""A reading counts as short until it has given so many clients."""

_MOST_PASSED = 4
"""How many turns of short readings in a row a long one lets pass."""

_KEPT_SECONDS = 0.005
"""How long the next turn is kept for a long reading that has had one. Its caller needs a millisecond to take a list;
one that compresses it takes longer, and meanwhile others read."""


class _Place(NamedTuple):
    """The place of a reading among those that wait: the least goes first."""

    is_long: bool
    number: int


class ReadingTurns:
    """Gives turns to the readings of a process, to one at a time.

    The turn goes to the reading that began first, and is kept for it for a moment while its caller takes a list. If all
    pages took turns alike, they would end at the same time: then all threads would send their blocks together, and none
    would read. A reading that has given only a few clients goes before all others, so a small export does not wait for
    large pages. Four such turns in a row at most pass a page that waits, so a stream of small exports does not stop a
    large one.
    """

    def __init__(self, kept_seconds: float = _KEPT_SECONDS) -> None:
        """Make turns. `kept_seconds`: how long the next turn is kept for a long reading that has had one."""
        self._kept_seconds = kept_seconds
        self._numbers = count()
        self._waiting: list[_Place] = []
        self._is_taken = False
        self._passed = 0
        self._kept_for = 0
        self._kept_until = 0.0
        self._changed = Condition()

    @property
    def waiting(self) -> int:
        """How many readings wait for a turn."""
        return len(self._waiting)

    def each_in_turn(self, rendered: Iterator[Records]) -> Generator[Records, None, None]:
        """Take a turn for each list of a reading. The first one takes none: it may wait for a writer."""
        number, rows = next(self._numbers), 0
        records = next(rendered, None)
        try:
            while records is not None:
                rows += records.rows
                yield records
                with self._turn(_Place(rows >= _SHORT_ROWS, number)):
                    records = next(rendered, None)
        finally:
            self._keep_no_longer(number)

    @contextmanager
    def _turn(self, place: _Place) -> Iterator[None]:
        with self._changed:
            self._waiting.append(place)
            try:
                while self._is_taken or place != self._next():
                    self._changed.wait(None if self._is_taken else self._kept_seconds)
                self._is_taken = True
                self._passed = 0 if place.is_long or not self._long() else self._passed + 1
            finally:
                self._waiting.remove(place)
        try:
            yield
        finally:
            with self._changed:
                self._is_taken = False
                if place.is_long:
                    self._kept_for, self._kept_until = place.number, time.monotonic() + self._kept_seconds
                self._changed.notify_all()

    def _next(self) -> _Place | None:
        """Return the place that gets the turn: a long one, if enough short ones have passed it; None while it is kept.

        It is kept from readings that began later.
        """
        long = self._long() if self._passed >= _MOST_PASSED else []
        first = min(long or self._waiting)
        is_kept = first.is_long and first.number > self._kept_for and time.monotonic() < self._kept_until
        return None if is_kept else first

    def _keep_no_longer(self, number: int) -> None:
        with self._changed:
            if self._kept_for == number:
                self._kept_until = 0.0
                self._changed.notify_all()

    def _long(self) -> list[_Place]:
        return [place for place in self._waiting if place.is_long]
