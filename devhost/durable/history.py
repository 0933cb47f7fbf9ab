"""Builds the history events that the SDK replays, and shows them to clients that query a status.

Events are stored as JSON text. A replay joins these texts without parsing them again.
"""

import contextlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any


class EventType(IntEnum):
    """The Durable Task Framework's numbers for history events."""

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


# The SDK never reads these during a replay. They are stored for status queries only.
NOT_REPLAYED = (EventType.TASK_SCHEDULED, EventType.SUB_CREATED, EventType.TIMER_CREATED, EventType.EXECUTION_COMPLETED)

_VIEW_NAMES = {
    EventType.SUB_CREATED: "SubOrchestrationInstanceCreated",
    EventType.SUB_COMPLETED: "SubOrchestrationInstanceCompleted",
    EventType.SUB_FAILED: "SubOrchestrationInstanceFailed",
}
_SCHEDULING = {EventType.TASK_SCHEDULED, EventType.SUB_CREATED, EventType.TIMER_CREATED}
_HIDDEN = {"EventType", "EventId", "IsPlayed", "TaskScheduledId", "TimerId", "ParentInstance"}


def iso(seconds: float) -> str:
    """Format a Unix time as the SDK and .NET do: with microseconds and a Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event(kind: EventType, now: float, event_id: int = -1, **fields: Any) -> str:
    """Return one event as JSON text."""
    head = {"EventType": int(kind), "EventId": event_id, "IsPlayed": False, "Timestamp": iso(now)}
    return json.dumps({**head, **fields})


def external_event_name(text: str) -> str:
    """Return the name of an external event in lower case, because such names ignore case; empty for other events."""
    item = json.loads(text)
    return str(item["Name"]).lower() if item["EventType"] == EventType.EVENT_RAISED else ""


def view(rows: Iterable[str], *, show_output: bool) -> list[dict[str, Any]]:
    """Convert history to the form of a status query.

    Names replace the numbers of events. Each completion shows the name and time of the event that scheduled it.
    """
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
    elif entry.get("Result") is not None:
        with contextlib.suppress(ValueError):  # reasons and failures are plain text
            entry["Result"] = json.loads(entry["Result"])
    return entry
