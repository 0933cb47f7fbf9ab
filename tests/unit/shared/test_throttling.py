"""Calls that are throttled: fewer at once, later, and without using up their tries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from shared.models import Model
from shared.orchestration import ActivityFailedError, ConcurrencyLimiter, Payload, call_all
from shared.retry_policy import RetryPolicy
from tests.support.builders import NOON

THROTTLED = {"kind": "Throttled", "retryAfterSeconds": None}
Answer = Callable[[int, bool], Payload | None]
"""Takes number and `finalTry` of a call; gives its result, None to fail it."""


class Number(Model):
    """The payload of a call."""

    number: int


@dataclass
class Flights:
    """A Durable context that answers whole flights, and notes how they were sent and how long was waited."""

    answer: Answer
    instance_id: str = "instance"
    is_replaying: bool = False
    current_utc_datetime: datetime = NOON
    sent: list[list[int]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    last_tries: list[int] = field(default_factory=list)

    def call_activity(self, name: str, input_: Any, *, expected_type: type) -> Any:
        return input_

    def task_all(self, activities: list[Any]) -> Any:
        return activities

    def create_timer(self, fire_at: datetime) -> Any:
        return fire_at

    def call(self, count: int, limiter: ConcurrencyLimiter | None = None, **policy: Any) -> list[Payload]:
        """Run `call_all` to its end."""
        payloads = [Number(number=number) for number in range(count)]
        steps = call_all(self, "step", payloads, RetryPolicy(**policy), limiter, stop_on=("Rejected",))  # type: ignore[arg-type]
        try:
            yielded = next(steps)
            while True:
                yielded = self._react(steps, yielded)
        except StopIteration as done:
            results: list[Payload] = done.value
            return results

    def _react(self, steps: Any, yielded: Any) -> Any:
        if isinstance(yielded, datetime):
            self.pauses.append((yielded - self.current_utc_datetime).total_seconds())
            self.current_utc_datetime = yielded
            return steps.send(None)
        outcomes = [self._answer(each) for each in yielded]
        self.sent.append([each["order"]["number"] for each in yielded])
        if all(outcomes):
            return steps.send(outcomes)
        asked = steps.throw(RuntimeError("task_all gives up at the first failure"))
        for outcome in outcomes:
            assert asked is not None
            asked = steps.send(outcome) if outcome else steps.throw(RuntimeError("failed"))
        return asked

    def _answer(self, input_: Any) -> Payload | None:
        number = input_["order"]["number"]
        if input_["finalTry"]:
            self.last_tries.append(number)
        return self.answer(number, input_["finalTry"])

    @property
    def sizes(self) -> list[int]:
        return [len(flight) for flight in self.sent]


def _throttling(times: int) -> Answer:
    """Throttles the first so many calls."""
    left = iter(range(times))
    return lambda number, _: THROTTLED if next(left, None) is not None else {"kind": "Done", "number": number}


def _limited(flights: list[Flights], room: int) -> Answer:
    """Has room for so many calls of each flight."""
    state = {"flight": -1, "taken": 0}

    def answer(number: int, _: bool) -> Payload:
        if state["flight"] != len(flights[0].sent):
            state.update(flight=len(flights[0].sent), taken=0)
        state["taken"] += 1
        return {"kind": "Done", "number": number} if state["taken"] <= room else THROTTLED

    return answer


def test_a_throttled_flight_is_halved_until_it_fits_and_then_grows_by_one() -> None:
    flights = Flights(_throttling(16 + 8 + 4))
    results = flights.call(16)
    assert flights.sizes == [16, 8, 4, 2, 3, 4, 5, 2]
    assert [result["number"] for result in results] == list(range(16))


def test_no_call_is_sent_again_that_came_to_a_result() -> None:
    holder: list[Flights] = []
    flights = Flights(_limited(holder, room=5))
    holder.append(flights)
    flights.call(40)
    assert flights.sizes[0] == 40
    assert max(flights.sizes[3:]) <= 8
    done = [number for flight in flights.sent for number in flight[:5]]
    assert sorted(done) == list(range(40))


def test_being_throttled_uses_up_no_try() -> None:
    flights = Flights(_throttling(20))
    assert len(flights.call(4, tries=2)) == 4
    assert flights.last_tries == []


def test_pauses_grow_while_nothing_gets_through() -> None:
    flights = Flights(_throttling(12))
    flights.call(1)
    assert len(flights.pauses) == 12
    assert all(later > earlier for earlier, later in pairwise(flights.pauses[:5]))
    assert max(flights.pauses) <= 75


def test_what_the_other_side_says_about_when_to_come_again_is_heeded_within_reason() -> None:
    answers: Iterator[Payload] = iter(
        [{"kind": "Throttled", "retryAfterSeconds": seconds} for seconds in (30, 0.01, 86_400)] + [{"kind": "Done"}]
    )
    flights = Flights(lambda *_: next(answers))
    flights.call(1)
    assert flights.pauses[0] == 30
    assert flights.pauses[1] > 1
    assert flights.pauses[2] == 300


def test_when_nothing_gets_through_for_long_the_rest_gets_its_final_try_and_no_more_than_one_flight_of_it() -> None:
    def answer(_: int, final: bool) -> Payload:
        return {"kind": "Rejected"} if final else THROTTLED

    flights = Flights(answer)
    assert flights.call(16) == [{"kind": "Rejected"}]
    assert 900 <= (flights.current_utc_datetime - NOON).total_seconds() < 1_000
    assert flights.last_tries == [0]


def test_as_long_as_something_gets_through_there_is_patience() -> None:
    holder: list[Flights] = []
    flights = Flights(_limited(holder, room=1))
    holder.append(flights)
    results = flights.call(300, patience_seconds=10)
    assert len(results) == 300
    assert flights.current_utc_datetime - NOON > timedelta(seconds=10)
    assert flights.last_tries == []


def test_calls_that_raise_and_calls_that_are_throttled_are_told_apart() -> None:
    seen: dict[int, int] = {}

    def answer(number: int, _: bool) -> Payload | None:
        seen[number] = seen.get(number, 0) + 1
        if number == 0 and seen[number] <= 2:
            return None
        return THROTTLED if number == 1 and seen[number] <= 6 else {"kind": "Done"}

    flights = Flights(answer)
    assert flights.call(3, tries=3) == [{"kind": "Done"}] * 3
    assert flights.last_tries == [0]
    assert seen == {0: 3, 1: 7, 2: 1}


def test_a_call_that_raises_in_every_try_ends_it_and_is_named() -> None:
    flights = Flights(lambda number, _: None if number == 2 else {"kind": "Done"})
    with pytest.raises(ActivityFailedError) as caught:
        flights.call(4, tries=3)
    assert caught.value.index == 2
    assert flights.sizes == [4, 1, 1]


def test_a_result_that_ends_it_stops_throttled_calls_but_not_the_tries_of_a_full_flight() -> None:
    tried: list[int] = []

    def answer(number: int, _: bool) -> Payload | None:
        tried.append(number)
        return {"kind": "Rejected"} if number == 0 else None if tried.count(number) < 3 else {"kind": "Done"}

    flights = Flights(answer)
    flights.call(2, tries=4)
    assert flights.sent == [[0, 1], [1], [1]]


def test_the_pace_is_kept_for_the_next_calls_until_it_is_that_of_all() -> None:
    limiter = ConcurrencyLimiter()
    Flights(_throttling(16 + 8)).call(16, limiter)
    assert limiter.limit == 8
    next_wave = Flights(_throttling(0))
    next_wave.call(16, limiter)
    assert next_wave.sizes == [8, 8]
    assert limiter.limit == 10
    last = Flights(_throttling(0))
    last.call(11, limiter)
    assert last.sizes == [10, 1]
    assert limiter.limit is None


def test_without_being_throttled_there_is_no_limit() -> None:
    limiter = ConcurrencyLimiter()
    flights = Flights(_throttling(0))
    flights.call(500, limiter)
    assert (flights.sizes, limiter.limit, flights.pauses) == ([500], None, [])
