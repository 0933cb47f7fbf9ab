"""Let the threads of a process read one at a time, so that their pages end one after the other."""

from __future__ import annotations

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


class _Place(NamedTuple):
    """The place of a reading among those that wait: the least goes first."""

    is_long: bool
    number: int


class ReadingTurns:
    """Gives turns to the readings of a process, to one at a time.

    The turn goes to the reading that began first. If all pages took turns alike, they would end at the same time: then
    all threads would send their blocks together, and none would read. A reading that has given only a few clients goes
    before all others, so a small export does not wait for large pages. Four such turns in a row at most pass a page
    that waits, so a stream of small exports does not stop a large one.
    """

    def __init__(self) -> None:
        self._numbers = count()
        self._waiting: list[_Place] = []
        self._is_taken = False
        self._passed = 0
        self._changed = Condition()

    @property
    def waiting(self) -> int:
        """How many readings wait for a turn."""
        return len(self._waiting)

    def each_in_turn(self, rendered: Iterator[Records]) -> Generator[Records, None, None]:
        """Take a turn for each list of a reading. The first one takes none: it may wait for a writer."""
        number, rows = next(self._numbers), 0
        records = next(rendered, None)
        while records is not None:
            rows += records.rows
            yield records
            with self._turn(_Place(rows >= _SHORT_ROWS, number)):
                records = next(rendered, None)

    @contextmanager
    def _turn(self, place: _Place) -> Iterator[None]:
        with self._changed:
            self._waiting.append(place)
            try:
                self._changed.wait_for(lambda: not self._is_taken and place == self._next())
                self._is_taken = True
                self._passed = 0 if place.is_long or not self._long() else self._passed + 1
            finally:
                self._waiting.remove(place)
        try:
            yield
        finally:
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()

    def _next(self) -> _Place:
        """Return the place that gets the turn: a long one, if enough short ones have passed it."""
        long = self._long() if self._passed >= _MOST_PASSED else []
        return min(long or self._waiting)

    def _long(self) -> list[_Place]:
        return [place for place in self._waiting if place.is_long]
