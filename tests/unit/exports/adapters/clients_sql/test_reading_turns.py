"""Which reading gets the next turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from threading import Event, Thread

import pytest

from exports.adapters.clients_sql.reading_turns import ReadingTurns
from exports.errors import SourceUnavailableError
from exports.file.renderer import Records
from tests.support.waiting import wait_until

LIST = Records(600, b"")


class _Reading:
    """A reading in a thread of its own, which notes its name each time that it has the turn."""

    def __init__(self, turns: ReadingTurns, name: str, order: list[str]) -> None:
        self.name, self.order = name, order
        self.lists = turns.each_in_turn(self._lists())
        next(self.lists)

    def _lists(self) -> Iterator[Records]:
        yield LIST
        while True:
            self.order.append(self.name)
            yield LIST

    def go_on(self) -> Thread:
        thread = Thread(target=next, args=(self.lists,), daemon=True)
        thread.start()
        return thread


def _order_of(turns: ReadingTurns, readings: list[_Reading]) -> None:
    """Let the readings wait for one turn, one after the other, and then have it."""
    held, holds = Event(), Event()

    def hold() -> Iterator[Records]:
        yield LIST
        holds.set()
        held.wait()

    def run() -> None:
        list(turns.each_in_turn(hold()))

    holder = Thread(target=run, daemon=True)
    holder.start()
    holds.wait()
    threads = []
    for count, reading in enumerate(readings, 1):
        threads.append(reading.go_on())
        wait_until(lambda count=count: turns.waiting == count)  # type: ignore[misc]
    held.set()
    for thread in (*threads, holder):
        thread.join()


def test_the_reading_that_began_first_goes_first() -> None:
    turns, order = ReadingTurns(), list[str]()
    readings = [_Reading(turns, name, order) for name in ("first", "second", "third")]

    _order_of(turns, [readings[2], readings[0], readings[1]])

    assert order == ["first", "second", "third"]


def test_a_reading_that_has_given_few_clients_goes_before_all_others() -> None:
    turns, order = ReadingTurns(), list[str]()
    large = [_Reading(turns, name, order) for name in ("large", "larger")]
    for reading in large:
        next(reading.lists)
    order.clear()
    small = _Reading(turns, "small", order)

    _order_of(turns, [*large, small])

    assert order == ["small", "large", "larger"]


def test_a_large_page_lets_only_four_turns_of_small_exports_pass() -> None:
    turns, order = ReadingTurns(), list[str]()
    large = _Reading(turns, "large", order)
    next(large.lists)
    order.clear()
    small = [_Reading(turns, str(number), order) for number in range(6)]

    _order_of(turns, [large, *small])

    assert order == ["0", "1", "2", "3", "large", "4", "5"]


def test_turns_of_small_exports_pass_only_a_page_that_waits() -> None:
    turns, order = ReadingTurns(), list[str]()
    small = [_Reading(turns, str(number), order) for number in range(4)]
    _order_of(turns, small)
    large = _Reading(turns, "large", order)
    next(large.lists)
    order.clear()

    _order_of(turns, [large, _Reading(turns, "late", order)])

    assert order == ["late", "large"]


def _long(turns: ReadingTurns, name: str, order: list[str]) -> _Reading:
    reading = _Reading(turns, name, order)
    next(reading.lists)
    return reading


def test_the_turn_is_kept_for_the_first_page_while_its_caller_takes_a_list() -> None:
    turns, order = ReadingTurns(kept_seconds=60), list[str]()
    first, second = _long(turns, "first", order), _long(turns, "second", order)
    next(first.lists)
    order.clear()

    waits = second.go_on()
    wait_until(lambda: turns.waiting == 1)
    next(first.lists)
    next(first.lists)

    assert order == ["first", "first"]
    first.lists.close()  # as at the end of a page
    waits.join()
    assert order == ["first", "first", "second"]


def test_a_page_whose_caller_is_slow_holds_up_no_other() -> None:
    turns, order = ReadingTurns(kept_seconds=0.01), list[str]()
    first, second = _long(turns, "first", order), _long(turns, "second", order)
    next(first.lists)
    order.clear()

    second.go_on().join()

    assert order == ["second"]


def test_the_turn_is_not_kept_from_a_page_that_began_earlier_or_from_a_small_export() -> None:
    turns, order = ReadingTurns(kept_seconds=60), list[str]()
    first, second = _long(turns, "first", order), _long(turns, "second", order)
    small = _Reading(turns, "small", order)
    next(second.lists)
    order.clear()

    first.go_on().join()
    small.go_on().join()

    assert order == ["first", "small"]
    first.lists.close()
    second.go_on().join()


def test_a_reading_that_fails_gives_its_turn_back() -> None:
    turns = ReadingTurns()

    def fails() -> Iterator[Records]:
        yield LIST
        raise SourceUnavailableError("away")

    with pytest.raises(SourceUnavailableError):
        list(turns.each_in_turn(fails()))
    assert list(turns.each_in_turn(iter([LIST, LIST]))) == [LIST, LIST]


def test_a_reading_that_is_given_up_keeps_no_turn() -> None:
    turns = ReadingTurns()
    with closing(turns.each_in_turn(iter([LIST, LIST, LIST]))) as given_up:
        next(given_up)
        next(given_up)

    assert len(list(turns.each_in_turn(iter([LIST, LIST])))) == 2
