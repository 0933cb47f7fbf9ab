"""Callers who guess are slowed by their address, within bounded memory."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.guess_limit import Guesser, GuessLimit
from tests.support.clock import MonotonicClock

HERE, THERE = "203.0.113.7", "203.0.113.8"


def _a_limit(per_minute: int = 30, proxies: int = 1, most: int = 10_000) -> tuple[GuessLimit, MonotonicClock]:
    clock = MonotonicClock()
    return GuessLimit(per_minute, proxies, clock, most), clock


def _caller(limit: GuessLimit, address: str) -> Guesser:
    return limit.caller({"x-forwarded-for": address})


def test_an_address_may_guess_wrong_thirty_times_at_once_and_then_every_two_seconds() -> None:
    limit, clock = _a_limit()
    caller = _caller(limit, HERE)
    assert [caller.count() for _ in range(30)] == [0] * 30
    assert [caller.count() for _ in range(5)] == [2] * 5
    clock.seconds += 1.5
    assert caller.count() == 1
    clock.seconds += 0.5
    assert [caller.count(), caller.count()] == [0, 2]


def test_after_a_minute_without_guesses_an_address_has_its_full_allowance() -> None:
    limit, clock = _a_limit()
    caller = _caller(limit, HERE)
    for _ in range(2):
        assert [caller.count() for _ in range(31)] == [0] * 30 + [2]
        clock.seconds += 60


def test_a_caller_is_slowed_exactly_while_the_next_guess_would_be_refused() -> None:
    limit, clock = _a_limit(per_minute=2)
    caller = _caller(limit, HERE)
    seen = [caller.is_slowed]
    for _ in range(3):
        caller.count()
        seen.append(caller.is_slowed)
    assert seen == [False, False, True, True]
    clock.seconds += 29.9
    assert (caller.is_slowed, caller.count()) == (True, 1)
    clock.seconds += 0.1
    assert not caller.is_slowed


def test_one_guess_a_minute_is_the_smallest_limit() -> None:
    limit, clock = _a_limit(per_minute=1)
    caller = _caller(limit, HERE)
    assert [caller.count(), caller.count()] == [0, 60]
    clock.seconds += 60
    assert [caller.count(), caller.count()] == [0, 60]


def test_guesses_of_one_address_slow_no_other_address() -> None:
    limit, _ = _a_limit(per_minute=1)
    _caller(limit, HERE).count()
    assert _caller(limit, HERE).is_slowed
    assert not _caller(limit, THERE).is_slowed


def test_callers_without_a_usable_address_share_one_allowance() -> None:
    limit, _ = _a_limit(per_minute=1)
    limit.caller({}).count()
    for forwarded in ("", "unknown", "nonsense, "):
        assert _caller(limit, forwarded).is_slowed
    assert not _caller(limit, HERE).is_slowed


def test_invented_addresses_give_a_guesser_no_new_allowance() -> None:
    limit, _ = _a_limit(per_minute=5)
    answers = [_caller(limit, f"10.0.0.{number}, {HERE}:4{number:04}").count() for number in range(20)]
    assert answers == [0] * 5 + [12] * 15


def test_invented_addresses_never_take_more_than_a_bounded_amount_of_memory() -> None:
    limit, _ = _a_limit(per_minute=1, most=100)
    for number in range(1000):
        _caller(limit, f"10.0.{number // 256}.{number % 256}").count()
    assert len(limit._guesses) == 100


def test_a_request_that_guesses_nothing_takes_no_memory() -> None:
    limit, _ = _a_limit()
    for number in range(200):
        assert not _caller(limit, f"10.0.0.{number}").is_slowed
    assert len(limit._guesses) == 0


def test_threads_that_guess_at_the_same_time_share_the_allowance_exactly() -> None:
    limit, _ = _a_limit()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: _caller(limit, HERE).count(), range(400)))
    assert answers.count(0) == 30


def test_the_log_tells_once_that_an_address_is_slowed_and_again_after_a_quiet_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limit, clock = _a_limit()
    caller = _caller(limit, HERE)
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            caller.count()
            clock.seconds += 1
        assert [record.getMessage() for record in caplog.records] == ["event=caller.slowed seconds=1.0"]
        clock.seconds += 60
        for _ in range(31):
            caller.count()
    assert len(caplog.records) == 2
    assert HERE not in caplog.text
