"""Only a few tries are in flight at the same time, and a receiver that keeps hanging rests."""

from __future__ import annotations

import pytest

from exports.notifications import sending_room
from exports.notifications.delivery import Postponement, SendResult
from exports.notifications.sending_room import (
    FIRST_REST_SECONDS,
    HANGS_BEFORE_REST,
    LONGEST_REST_SECONDS,
    TRIES_IN_ALL,
    TRIES_OF_A_RECEIVER,
    TRIES_OF_A_TENANT,
    Refusal,
    SendingRoom,
    Try,
)
from tests.support.clock import MonotonicClock

HUNG, ANSWERED, REFUSED = SendResult(fault="timeout", milliseconds=5000), SendResult(status=500), "not-connected"
NO_ROOM = Refusal(Postponement.NO_ROOM)


@pytest.fixture
def clock() -> MonotonicClock:
    return MonotonicClock()


@pytest.fixture
def room(clock: MonotonicClock) -> SendingRoom:
    return SendingRoom(clock)


def a_try(tenant: str = "northwind", origin: str = "https://hooks.example", number: int = 1) -> Try:
    return Try(tenant, origin, f"msg_{tenant}", number)


def make(room: SendingRoom, result: SendResult | None, this: Try | None = None) -> None:
    """Make a whole try with this result."""
    this = this or a_try()
    assert room.enter(this) is None
    room.leave(this, result)


def let_rest(room: SendingRoom) -> None:
    for _ in range(HANGS_BEFORE_REST):
        make(room, HUNG)


def test_a_receiver_gets_only_a_few_tries_at_the_same_time(room: SendingRoom) -> None:
    tries = [a_try(number=number) for number in range(TRIES_OF_A_RECEIVER + 1)]
    assert [room.enter(each) for each in tries] == [None] * TRIES_OF_A_RECEIVER + [NO_ROOM]
    room.leave(tries[0], ANSWERED)
    assert room.enter(tries[-1]) is None


def test_a_tenant_has_room_for_another_receiver_beside_one_that_hangs(room: SendingRoom) -> None:
    tries = [a_try(number=number) for number in range(TRIES_OF_A_RECEIVER)]
    assert [room.enter(each) for each in tries] == [None] * TRIES_OF_A_RECEIVER
    assert room.enter(a_try(origin="https://other.example")) is None


def test_a_tenant_gets_only_a_few_tries_at_the_same_time(room: SendingRoom) -> None:
    tries = [a_try(origin=f"https://{number}.example") for number in range(TRIES_OF_A_TENANT + 1)]
    assert [room.enter(each) for each in tries] == [None] * TRIES_OF_A_TENANT + [NO_ROOM]
    assert room.enter(a_try(tenant="harbour")) is None


def test_all_tenants_together_get_only_a_few_tries_at_the_same_time(room: SendingRoom) -> None:
    tries = [a_try(tenant=f"tenant{number}") for number in range(TRIES_IN_ALL + 1)]
    assert [room.enter(each) for each in tries] == [None] * TRIES_IN_ALL + [NO_ROOM]


def test_a_receiver_that_hung_once_gets_one_try_at_a_time(room: SendingRoom) -> None:
    make(room, HUNG)
    assert [room.enter(a_try(number=number)) for number in (1, 2)] == [None, NO_ROOM]


def test_a_receiver_that_keeps_hanging_rests_twice_as_long_each_time(room: SendingRoom, clock: MonotonicClock) -> None:
    let_rest(room)
    rests: list[float] = []
    for _ in range(10):
        refused = room.enter(a_try())
        assert refused is not None
        assert refused.reason is Postponement.RESTING
        rests.append(refused.rest_seconds)
        clock.seconds += refused.rest_seconds
        make(room, HUNG)
    assert rests == [min(FIRST_REST_SECONDS * 2**number, LONGEST_REST_SECONDS) for number in range(10)]


@pytest.mark.parametrize("result", [ANSWERED, SendResult(status=204), SendResult(fault=REFUSED, milliseconds=3)])
def test_a_receiver_that_answers_or_refuses_at_once_rests_no_more(
    room: SendingRoom, clock: MonotonicClock, result: SendResult
) -> None:
    let_rest(room)
    clock.seconds += FIRST_REST_SECONDS
    make(room, result)
    assert not room.hung_last(a_try())
    make(room, HUNG)
    make(room, HUNG)
    assert room.enter(a_try()) is None


def test_tries_without_a_known_result_let_no_receiver_rest(room: SendingRoom) -> None:
    for _ in range(HANGS_BEFORE_REST * 2):
        make(room, None)
    assert not room.hung_last(a_try())


def test_no_tenant_can_make_the_receiver_of_another_rest(room: SendingRoom) -> None:
    let_rest(room)
    assert room.enter(a_try(tenant="harbour")) is None


def test_other_receivers_of_a_tenant_do_not_rest(room: SendingRoom) -> None:
    let_rest(room)
    assert room.enter(a_try(origin="https://hooks.example:8443")) is None
    assert room.enter(a_try(origin="HTTPS://HOOKS.example")) is not None


def test_a_process_remembers_a_bounded_number_of_receivers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending_room, "_MAX_REMEMBERED", 3)
    room = SendingRoom()
    tries = [a_try(origin=f"https://{number}.example") for number in range(5)]
    for each in tries:
        make(room, HUNG, each)
    assert [room.hung_last(each) for each in tries] == [False, False, True, True, True]
