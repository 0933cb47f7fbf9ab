"""Durable history events: building them for the SDK, and presenting them to readers of a status.

Events are stored as JSON text and joined into a replay without being parsed again.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any


class EventType(IntEnum):
    """Numbers are the ones of the Durable Task Framework."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_CREATED = 7
    SUB_COMPLETED = 8
    SUB_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    EVENT_RAISED = 15
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20


# what the SDK never reads during a replay is stored for readers only
NOT_REPLAYED = (EventType.TASK_SCHEDULED, EventType.SUB_CREATED, EventType.TIMER_CREATED, EventType.EXECUTION_COMPLETED)

_VIEW_NAMES = {
    EventType.SUB_CREATED: "SubOrchestrationInstanceCreated",
    EventType.SUB_COMPLETED: "SubOrchestrationInstanceCompleted",
    EventType.SUB_FAILED: "SubOrchestrationInstanceFailed",
}
_SCHEDULING = {EventType.TASK_SCHEDULED, EventType.SUB_CREATED, EventType.TIMER_CREATED}
_HIDDEN = {"EventType", "EventId", "IsPlayed", "TaskScheduledId", "TimerId", "ParentInstance"}


def iso(seconds: float) -> str:
    """A Unix time as the SDK and .NET write it: microseconds and a Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event(kind: EventType, now: float, event_id: int = -1, **fields: Any) -> str:
    """One event as JSON text."""
    head = {"EventType": int(kind), "EventId": event_id, "IsPlayed": False, "Timestamp": iso(now)}
    return json.dumps({**head, **fields})


def view(rows: Iterable[str], *, show_output: bool) -> list[dict[str, Any]]:
    """History as a status shows it: names for numbers, and each completion carries what scheduled it."""
    scheduled: dict[int, dict[str, Any]] = {}
    shown = []
    for item in map(json.loads, rows):
        kind = EventType(item["EventType"])
        if kind in _SCHEDULING:
            scheduled[item["EventId"]] = item
        elif kind is not EventType.ORCHESTRATOR_STARTED:
            shown.append(_present(kind, item, scheduled, show_output=show_output))
    return shown


def _present(
    kind: EventType, item: dict[str, Any], scheduled: dict[int, dict[str, Any]], *, show_output: bool
) -> dict[str, Any]:
    name = _VIEW_NAMES.get(kind) or "".join(word.title() for word in kind.name.split("_"))
    entry = {"EventType": name, **{key: value for key, value in item.items() if key not in _HIDDEN}}
    source = scheduled.get(item.get("TaskScheduledId", item.get("TimerId", -1)))
    if source:
        entry["ScheduledTime"] = source["Timestamp"]
        if "Name" in source:
            entry["FunctionName"] = source["Name"]
    if not show_output:
        entry.pop("Result", None)
        entry.pop("Input", None)
    return entry
