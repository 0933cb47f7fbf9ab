"""What orchestrators share: a typed view of the Durable context, and the one way to call activities.

Everything here is deterministic: it decides by its arguments and by what history brings, never by clock or chance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from shared.models import Model

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


class RetryPolicy(Model):
    """Tries in all, and the pause between them: doubling from the first to the longest, ± a quarter of jitter."""

    tries: int = 7
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 60.0

    @property
    def longest_pauses(self) -> timedelta:
        """All pauses of a step together, at most."""
        pauses = (self.first_pause_seconds * 2**number for number in range(self.tries - 1))
        return timedelta(seconds=1.25 * sum(min(seconds, self.longest_pause_seconds) for seconds in pauses))

    def pause(self, failed_tries: int, seed: str) -> timedelta:
        """Say how long to wait after the n-th failed try. The jitter comes from `seed`, so replay agrees."""
        seconds = min(self.first_pause_seconds * 2 ** (failed_tries - 1), self.longest_pause_seconds)
        return jittered(seconds, f"{seed} {failed_tries}")


def jittered(seconds: float, seed: str) -> timedelta:
    """Lengthen or shorten a pause by up to a quarter; the same seed gives the same, so replay agrees."""
    chance = hashlib.sha256(seed.encode()).digest()[0] / 255
    return timedelta(seconds=seconds * (0.75 + chance / 2))


class ActivityFailedError(Exception):
    """An activity raised in every try it was given."""


def order(payload: Model, *, final_try: bool = True) -> Payload:
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
    context: OrchestrationContext, activity: str, payloads: Sequence[Model], policy: RetryPolicy
) -> Steps[list[Payload]]:
    """Call one activity for every payload in parallel; repeat those that raised, together, after growing pauses.

    Returns:
        The results in the order of `payloads`.

    Raises:
        ActivityFailedError: At least one raised in every try.
    """
    results: dict[int, Payload] = {}
    for attempt in range(1, policy.tries + 1):
        missing = [index for index in range(len(payloads)) if index not in results]
        if attempt > 1:
            pause = policy.pause(attempt - 1, f"{context.instance_id} {activity} {missing[0]}")
            yield context.create_timer(context.current_utc_datetime + pause)
        final_try = attempt == policy.tries
        orders = [order(payloads[index], final_try=final_try) for index in missing]
        tasks = [context.call_activity(activity, each, expected_type=dict) for each in orders]
        outcomes = yield from _settle(context, tasks)
        results.update({index: outcome for index, outcome in zip(missing, outcomes, strict=True) if outcome})
        if len(results) == len(payloads):
            return [results[index] for index in range(len(payloads))]
    message = f"{activity} failed {policy.tries} times"
    raise ActivityFailedError(message)


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
