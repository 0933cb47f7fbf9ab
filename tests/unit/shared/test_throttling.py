"""Throttled calls are repeated later, with fewer in flight, and without using up their tries."""

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
"""Takes the number and the `finalTry` of a call. Returns its result, or None to fail it."""


class Number(Model):
    """The payload of a call."""

    number: int


@dataclass
class Rounds:
    """A Durable context that answers whole rounds of calls, and records the rounds and the pauses between them."""

    answer: Answer
    instance_id: str = "instance"
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
        awaited = steps.throw(RuntimeError("task_all gives up at the first failure"))
        for outcome in outcomes:
            assert awaited is not None
            awaited = steps.send(outcome) if outcome else steps.throw(RuntimeError("failed"))
        return awaited

    def _answer(self, input_: Any) -> Payload | None:
        number = input_["order"]["number"]
        if input_["finalTry"]:
            self.last_tries.append(number)
        return self.answer(number, input_["finalTry"])

    @property
    def sizes(self) -> list[int]:
        return [len(sent) for sent in self.sent]


def _throttling(times: int) -> Answer:
    """Throttle the first `times` calls."""
    left = iter(range(times))
    return lambda number, _: THROTTLED if next(left, None) is not None else {"kind": "Done", "number": number}


def _limited(rounds: list[Rounds], room: int) -> Answer:
    """Throttle all but `room` calls of each round."""
    state = {"round": -1, "taken": 0}

    def answer(number: int, _: bool) -> Payload:
        if state["round"] != len(rounds[0].sent):
            state.update(round=len(rounds[0].sent), taken=0)
        state["taken"] += 1
        return {"kind": "Done", "number": number} if state["taken"] <= room else THROTTLED

    return answer


def test_a_throttled_round_is_halved_until_it_fits_and_then_grows_by_one() -> None:
    rounds = Rounds(_throttling(16 + 8 + 4))
    results = rounds.call(16)
    assert rounds.sizes == [16, 8, 4, 2, 3, 4, 5, 2]
    assert [result["number"] for result in results] == list(range(16))


def test_a_call_that_has_a_result_is_never_repeated() -> None:
    holder: list[Rounds] = []
    rounds = Rounds(_limited(holder, room=5))
    holder.append(rounds)
    rounds.call(40)
    assert rounds.sizes[0] == 40
    assert max(rounds.sizes[3:]) <= 8
    done = [number for sent in rounds.sent for number in sent[:5]]
    assert sorted(done) == list(range(40))


def test_throttling_uses_up_no_try() -> None:
    rounds = Rounds(_throttling(20))
    assert len(rounds.call(4, tries=2)) == 4
    assert rounds.last_tries == []


def test_pauses_grow_while_every_call_is_throttled() -> None:
    rounds = Rounds(_throttling(12))
    rounds.call(1)
    assert len(rounds.pauses) == 12
    assert all(later > earlier for earlier, later in pairwise(rounds.pauses[:5]))
    assert max(rounds.pauses) <= 75


def test_the_pause_that_a_source_asks_for_is_kept_up_to_five_minutes() -> None:
    answers: Iterator[Payload] = iter(
        [{"kind": "Throttled", "retryAfterSeconds": seconds} for seconds in (30, 0.01, 86_400)] + [{"kind": "Done"}]
    )
    rounds = Rounds(lambda *_: next(answers))
    rounds.call(1)
    assert rounds.pauses[0] == 30
    assert rounds.pauses[1] > 1
    assert rounds.pauses[2] == 300


def test_when_the_patience_is_over_the_remaining_calls_get_one_final_round() -> None:
    def answer(_: int, final: bool) -> Payload:
        return {"kind": "Rejected"} if final else THROTTLED

    rounds = Rounds(answer)
    assert rounds.call(16) == [{"kind": "Rejected"}]
    assert 900 <= (rounds.current_utc_datetime - NOON).total_seconds() < 1_000
    assert rounds.last_tries == [0]


def test_the_patience_starts_again_with_every_result() -> None:
    holder: list[Rounds] = []
    rounds = Rounds(_limited(holder, room=1))
    holder.append(rounds)
    results = rounds.call(300, patience_seconds=10)
    assert len(results) == 300
    assert rounds.current_utc_datetime - NOON > timedelta(seconds=10)
    assert rounds.last_tries == []


def test_failed_calls_and_throttled_calls_are_counted_separately() -> None:
    tries: dict[int, int] = {}

    def answer(number: int, _: bool) -> Payload | None:
        tries[number] = tries.get(number, 0) + 1
        if number == 0 and tries[number] <= 2:
            return None
        return THROTTLED if number == 1 and tries[number] <= 6 else {"kind": "Done"}

    rounds = Rounds(answer)
    assert rounds.call(3, tries=3) == [{"kind": "Done"}] * 3
    assert rounds.last_tries == [0]
    assert tries == {0: 3, 1: 7, 2: 1}


def test_a_call_that_raises_in_every_try_ends_all_calls_and_is_named() -> None:
    rounds = Rounds(lambda number, _: None if number == 2 else {"kind": "Done"})
    with pytest.raises(ActivityFailedError) as caught:
        rounds.call(4, tries=3)
    assert caught.value.index == 2
    assert rounds.sizes == [4, 1, 1]


def test_a_final_result_stops_throttled_calls_but_not_failed_ones() -> None:
    tried: list[int] = []

    def answer(number: int, _: bool) -> Payload | None:
        tried.append(number)
        return {"kind": "Rejected"} if number == 0 else None if tried.count(number) < 3 else {"kind": "Done"}

    rounds = Rounds(answer)
    rounds.call(2, tries=4)
    assert rounds.sent == [[0, 1], [1], [1]]


def test_the_limit_is_kept_for_the_next_calls_until_it_reaches_all_of_them() -> None:
    limiter = ConcurrencyLimiter()
    Rounds(_throttling(16 + 8)).call(16, limiter)
    assert limiter.limit == 8
    next_wave = Rounds(_throttling(0))
    next_wave.call(16, limiter)
    assert next_wave.sizes == [8, 8]
    assert limiter.limit == 10
    last = Rounds(_throttling(0))
    last.call(11, limiter)
    assert last.sizes == [10, 1]
    assert limiter.limit is None


def test_without_throttling_there_is_no_limit() -> None:
    limiter = ConcurrencyLimiter()
    rounds = Rounds(_throttling(0))
    rounds.call(500, limiter)
    assert (rounds.sizes, limiter.limit, rounds.pauses) == ([500], None, [])
