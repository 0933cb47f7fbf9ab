"""No more requests wait than may."""

from __future__ import annotations

from contextlib import suppress

from exports.jobs.waiting_room import WaitingRoom


def test_a_request_beyond_the_limit_may_not_wait_until_another_has_left() -> None:
    room = WaitingRoom()
    with room.enter(2) as first, room.enter(2) as second:
        assert (first, second) == (True, True)
        for _ in range(3):
            with room.enter(2) as third:
                assert not third
    with room.enter(1) as next_one:
        assert next_one


def test_a_request_that_fails_leaves_the_room() -> None:
    room = WaitingRoom()
    with suppress(ValueError), room.enter(1):
        raise ValueError
    with room.enter(1) as may_wait:
        assert may_wait


def test_a_limit_of_zero_lets_nobody_wait() -> None:
    with WaitingRoom().enter(0) as may_wait:
        assert not may_wait
