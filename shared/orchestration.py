"""The base of all orchestrators: a typed view of the Durable context, and the only way to call activities.

Everything here is deterministic. It depends on its arguments and on results from history, never on a clock or chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal, Protocol, TypeVar

from shared.models import Model
from shared.retry_policy import LONGEST_RETRY_AFTER_SECONDS, RetryPolicy

Payload = dict[str, Any]
T = TypeVar("T")
Steps = Generator[Any, Any, T]
"""The generator of an orchestrator. It yields Durable tasks, receives their results, and returns `T`."""


class OrchestrationContext(Protocol):
    """The part of `azure.durable_functions.DurableOrchestrationContext` that orchestrators use (1.7, without types)."""

    @property
    def instance_id(self) -> str: ...
    @property
    def current_utc_datetime(self) -> datetime: ...
    def get_input(self, expected_type: type) -> Any: ...
    def call_activity(self, name: str, input_: Any, *, expected_type: type) -> Any: ...
    def call_sub_orchestrator(self, name: str, input_: Any, *, expected_type: type) -> Any: ...
    def create_timer(self, fire_at: datetime) -> Any: ...
    def task_all(self, activities: list[Any]) -> Any: ...
    def continue_as_new(self, input_: Any) -> None: ...


class Throttled(Model):
    """The result of an activity whose source had no room for it. The call is repeated later, with fewer in flight.

    A throttled call uses up no try.

    Attributes:
        retry_after_seconds: How long the source asked to wait, if it did.
    """

    kind: Literal["Throttled"] = "Throttled"
    retry_after_seconds: float | None = None


@dataclass
class ConcurrencyLimiter:
    """Limits how many calls are in flight together. None means no limit.

    It lives in an orchestrator and changes only by results from history. So a replay sees the same limits.
    """

    limit: int | None = None

    def slow_down(self, in_flight: int) -> None:
        """After a round with throttled calls, allow half as many calls as were in flight."""
        self.limit = max(1, in_flight // 2)

    def speed_up(self, total: int) -> None:
        """After a round without throttled calls, allow one call more. Remove the limit when it reaches all calls."""
        if self.limit is not None:
            self.limit = self.limit + 1 if self.limit + 1 < total else None


class ActivityFailedError(Exception):
    """An activity raised an error in every try. `index` is the position of its payload (of the first, if several)."""

    def __init__(self, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.index = index


def wrap_command(command: Model, *, final_try: bool = True) -> Payload:
    """Wrap a command as the input of an activity.

    With `finalTry`, the activity must return a transient error as its result. Otherwise it raises the error to be tried
    again.
    """
    return {"order": command.model_dump(mode="json", by_alias=True), "finalTry": final_try}


def call(context: OrchestrationContext, activity: str, payload: Model, policy: RetryPolicy) -> Steps[Payload]:
    """Call one activity. While it raises an error, try again after growing durable pauses.

    Raises:
        ActivityFailedError: The activity raised an error in every try.
    """
    results = yield from call_all(context, activity, [payload], policy)
    return results[0]


def call_all(
    context: OrchestrationContext,
    activity: str,
    payloads: Sequence[Model],
    policy: RetryPolicy,
    limiter: ConcurrencyLimiter | None = None,
    stop_on: Collection[str] = (),
) -> Steps[list[Payload]]:
    """Call one activity for every payload, in parallel rounds, and repeat calls after growing pauses.

    Calls that raised an error are repeated together in the next round. So are throttled calls, with fewer in flight, as
    `limiter` decides. A throttled call uses up no try. But if no call at all has got a result for `policy.patience`,
    the remaining calls get their final try.

    Args:
        stop_on: Kinds of results that end the calls early. Once there is such a result, no further calls are sent while
            the concurrency is limited, because the caller does not need their results.

    Returns:
        The results in the order of `payloads`, without the results of calls that were not sent.

    Raises:
        ActivityFailedError: At least one call raised an error in every try.
    """
    seed = f"{context.instance_id} {activity}"
    calls = _Calls(seed, policy, limiter or ConcurrencyLimiter(), stop_on, dict(enumerate(payloads)))
    while inputs := calls.next_round(context.current_utc_datetime):
        tasks = [context.call_activity(activity, each, expected_type=dict) for each in inputs.values()]
        outcomes = yield from _await_all(context, tasks)
        pause = calls.record(dict(zip(inputs, outcomes, strict=True)), context.current_utc_datetime)
        if pause:
            yield context.create_timer(context.current_utc_datetime + pause)
    return [calls.results[index] for index in sorted(calls.results)]


@dataclass
class _Calls:
    """The calls of one activity by index: those that have a result, and those that are pending."""

    seed: str
    policy: RetryPolicy
    limiter: ConcurrencyLimiter
    stop_on: Collection[str]
    pending: dict[int, Model]
    results: dict[int, Payload] = field(default_factory=dict)
    failures: Counter[int] = field(default_factory=Counter)
    throttled_rounds: int = 0
    throttled_since: datetime | None = None

    def next_round(self, now: datetime) -> dict[int, Payload]:
        """Return the inputs of the next round by index. It is empty if no more results are needed."""
        if self.limiter.limit is not None and any(each.get("kind") in self.stop_on for each in self.results.values()):
            return {}
        since = self.throttled_since
        patience_is_over = since is not None and now - since >= self.policy.patience
        return {
            index: wrap_command(payload, final_try=patience_is_over or self.failures[index] == self.policy.tries - 1)
            for index, payload in islice(self.pending.items(), self.limiter.limit)
        }

    def record(self, outcomes: dict[int, Payload | None], now: datetime) -> timedelta | None:
        """Record the outcomes of a round, None for a call that raised. Return the pause before the next round."""
        raised = [index for index, outcome in outcomes.items() if outcome is None]
        throttled = [outcome for outcome in outcomes.values() if _is_throttled(outcome)]
        done = {index: outcome for index, outcome in outcomes.items() if outcome and not _is_throttled(outcome)}
        self.results |= done
        self.pending = {index: payload for index, payload in self.pending.items() if index not in done}
        self._count_failures(raised)
        self._adapt_limit(len(outcomes), bool(throttled), bool(raised), now, has_progress=bool(done))
        return self._pause(raised, throttled)

    def _count_failures(self, raised: list[int]) -> None:
        self.failures.update(raised)
        spent = [index for index in raised if self.failures[index] == self.policy.tries]
        if spent:
            message = f"{self.seed} failed {self.policy.tries} times"
            raise ActivityFailedError(message, spent[0])

    def _adapt_limit(self, in_flight: int, throttled: bool, raised: bool, now: datetime, *, has_progress: bool) -> None:
        if has_progress:
            self.throttled_rounds, self.throttled_since = 0, None
        if throttled:
            self.throttled_rounds += 1
            self.throttled_since = self.throttled_since or now
            self.limiter.slow_down(in_flight)
        elif not raised:
            self.limiter.speed_up(len(self.results) + len(self.pending))

    def _pause(self, raised: list[int], throttled: list[Payload | None]) -> timedelta | None:
        if not self.pending or not (raised or throttled):
            return None
        first = next(iter(self.pending))
        pauses = [self.policy.pause(self.failures[index], f"{self.seed} {first}") for index in raised]
        if throttled:
            pauses.append(self.policy.pause(self.throttled_rounds, f"{self.seed} {first} throttled"))
            asked_seconds = [Throttled.model_validate(outcome).retry_after_seconds or 0 for outcome in throttled]
            pauses.append(timedelta(seconds=min(max(asked_seconds), LONGEST_RETRY_AFTER_SECONDS)))
        return max(pauses)


def _is_throttled(outcome: Payload | None) -> bool:
    return outcome is not None and outcome.get("kind") == Throttled.model_fields["kind"].default


def _await_all(context: OrchestrationContext, tasks: list[Any]) -> Steps[list[Payload | None]]:
    """Wait until every task has ended. The outcome of a task that raised an error is None.

    `task_all` raises at the first failure while other tasks still run. So after a failure the tasks are awaited one by
    one.
    """
    try:
        return list((yield context.task_all(tasks)) or [])
    except Exception:  # noqa: S110 - the SDK raises nothing narrower; the loop below finds the tasks that failed
        pass
    outcomes: list[Payload | None] = []
    for task in tasks:
        try:
            outcomes.append((yield task))
        except Exception:
            outcomes.append(None)
    return outcomes
