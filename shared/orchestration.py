"""What orchestrators share: a typed view of the Durable context, and the one way to call activities.

Everything here is deterministic: it decides by its arguments and by what history brings, never by clock or chance.
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
"""An orchestrator's generator: yields Durable tasks, receives their results, returns `T`."""


class OrchestrationContext(Protocol):
    """The part of `azure.durable_functions.DurableOrchestrationContext` that is used here (1.7, which has no types)."""

    @property
    def instance_id(self) -> str: ...
    @property
    def is_replaying(self) -> bool: ...
    @property
    def current_utc_datetime(self) -> datetime: ...
    def get_input(self, expected_type: type) -> Any: ...
    def call_activity(self, name: str, input_: Any, *, expected_type: type) -> Any: ...
    def call_sub_orchestrator(self, name: str, input_: Any, *, expected_type: type) -> Any: ...
    def create_timer(self, fire_at: datetime) -> Any: ...
    def task_all(self, activities: list[Any]) -> Any: ...
    def continue_as_new(self, input_: Any) -> None: ...


class Throttled(Model):
    """What an activity returns when whom it asks has no room for it now: it goes again later, with fewer at once.

    This uses up no try. `retry_after_seconds` is what the other side said, if it said anything.
    """

    kind: Literal["Throttled"] = "Throttled"
    retry_after_seconds: float | None = None


@dataclass
class ConcurrencyLimiter:
    """How many calls are in flight together: half of those that were, once one is throttled; then one more for each
    round in which none is. None: as many as there are. Lives in an orchestrator, and changes as history has it."""

    limit: int | None = None

    def slow_down(self, in_flight: int) -> None:
        self.limit = max(1, in_flight // 2)

    def speed_up(self, wanted: int) -> None:
        if self.limit is not None:
            self.limit = self.limit + 1 if self.limit + 1 < wanted else None


class ActivityFailedError(Exception):
    """An activity raised in every try it was given. `index` is that of the payload, the first if there are more."""

    def __init__(self, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.index = index


def wrap_command(payload: Model, *, final_try: bool = True) -> Payload:
    """Wrap an activity's input. A step that is told `finalTry` returns what it would otherwise raise to be retried."""
    return {"order": payload.model_dump(mode="json", by_alias=True), "finalTry": final_try}


def call(context: OrchestrationContext, activity: str, payload: Model, policy: RetryPolicy) -> Steps[Payload]:
    """Call one activity, again after growing durable pauses while it raises.

    Raises:
        ActivityFailedError: It raised in every try.
    """
    results = yield from call_all(context, activity, [payload], policy)
    return results[0]


def call_all(
    context: OrchestrationContext,
    activity: str,
    payloads: Sequence[Model],
    policy: RetryPolicy,
    limiter: ConcurrencyLimiter | None = None,
    ends: Collection[str] = (),
) -> Steps[list[Payload]]:
    """Call one activity for every payload, in parallel; repeat those that raised, together, after growing pauses.

    Those that are throttled are repeated as well, fewer at once, as `limiter` has it. They use no tries, but when for
    `policy.patience` not one call has come to a result, those that are left get their final try.

    Args:
        ends: Kinds of results after which, while calls are throttled, no more are sent: nobody needs them.

    Returns:
        The results in the order of `payloads`; without those of calls that were not sent.

    Raises:
        ActivityFailedError: At least one raised in every try.
    """
    calls = _Calls(
        f"{context.instance_id} {activity}", policy, limiter or ConcurrencyLimiter(), ends, dict(enumerate(payloads))
    )
    while flight := calls.next_flight(context.current_utc_datetime):
        tasks = [context.call_activity(activity, each, expected_type=dict) for each in flight.values()]
        outcomes = yield from _settle(context, tasks)
        pause = calls.take(dict(zip(flight, outcomes, strict=True)), context.current_utc_datetime)
        if pause:
            yield context.create_timer(context.current_utc_datetime + pause)
    return [calls.results[index] for index in sorted(calls.results)]


@dataclass
class _Calls:
    """Calls of one activity, by index: which have come to a result, and what the others have met."""

    seed: str
    policy: RetryPolicy
    limiter: ConcurrencyLimiter
    ends: Collection[str]
    missing: dict[int, Model]
    results: dict[int, Payload] = field(default_factory=dict)
    failures: Counter[int] = field(default_factory=Counter)
    throttled_rounds: int = 0
    throttled_since: datetime | None = None

    def next_flight(self, now: datetime) -> dict[int, Payload]:
        """The orders to send now; none: all have come to a result that anybody needs."""
        if self.limiter.limit is not None and any(each.get("kind") in self.ends for each in self.results.values()):
            return {}
        since = self.throttled_since
        impatient = since is not None and now - since >= self.policy.patience
        return {
            index: wrap_command(payload, final_try=impatient or self.failures[index] == self.policy.tries - 1)
            for index, payload in islice(self.missing.items(), self.limiter.limit)
        }

    def take(self, outcomes: dict[int, Payload | None], now: datetime) -> timedelta | None:
        """Take in what came of a flight, None for what raised; say how long to wait before the next."""
        raised = [index for index, outcome in outcomes.items() if outcome is None]
        throttled = [outcome for outcome in outcomes.values() if _is_throttled(outcome)]
        done = {index: outcome for index, outcome in outcomes.items() if outcome and not _is_throttled(outcome)}
        self.results |= done
        self.missing = {index: payload for index, payload in self.missing.items() if index not in done}
        self._count(raised)
        self._adapt(len(outcomes), bool(throttled), bool(raised), now, came_on=bool(done))
        return self._pause(raised, throttled)

    def _count(self, raised: list[int]) -> None:
        self.failures.update(raised)
        spent = [index for index in raised if self.failures[index] == self.policy.tries]
        if spent:
            message = f"{self.seed} failed {self.policy.tries} times"
            raise ActivityFailedError(message, spent[0])

    def _adapt(self, in_flight: int, throttled: bool, raised: bool, now: datetime, *, came_on: bool) -> None:
        if came_on:
            self.throttled_rounds, self.throttled_since = 0, None
        if throttled:
            self.throttled_rounds += 1
            self.throttled_since = self.throttled_since or now
            self.limiter.slow_down(in_flight)
        elif not raised:
            self.limiter.speed_up(len(self.results) + len(self.missing))

    def _pause(self, raised: list[int], throttled: list[Payload | None]) -> timedelta | None:
        if not self.missing or not (raised or throttled):
            return None
        first = next(iter(self.missing))
        pauses = [self.policy.pause(self.failures[index], f"{self.seed} {first}") for index in raised]
        if throttled:
            pauses.append(self.policy.pause(self.throttled_rounds, f"{self.seed} {first} throttled"))
            told = [Throttled.model_validate(outcome).retry_after_seconds or 0 for outcome in throttled]
            pauses.append(timedelta(seconds=min(max(told), LONGEST_RETRY_AFTER_SECONDS)))
        return max(pauses)


def _is_throttled(outcome: Payload | None) -> bool:
    return outcome is not None and outcome.get("kind") == Throttled.model_fields["kind"].default


def _settle(context: OrchestrationContext, tasks: list[Any]) -> Steps[list[Payload | None]]:
    """Wait until every task has ended; None stands for one that raised.

    `task_all` gives up at the first failure while its siblings still run, so after one each task is awaited by itself.
    """
    try:
        return list((yield context.task_all(tasks)) or [])
    except Exception:  # noqa: S110 - the SDK raises nothing narrower; what failed is asked of each task below
        pass
    outcomes: list[Payload | None] = []
    for task in tasks:
        try:
            outcomes.append((yield task))
        except Exception:
            outcomes.append(None)
    return outcomes
