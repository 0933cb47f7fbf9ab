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
_SCHEDULING = {EventType.TASK_SCHEDULED, EventType.SUB_CREATED}
_HIDDEN = {
    *("EventType", "EventId", "IsPlayed", "TaskScheduledId", "TimerId"),
    *("ParentInstance", "OrchestrationInstance", "Version", "Tags"),
}
# The real extension shows these too. Here they are always empty.
_EMPTY: dict[EventType, dict[str, Any]] = {
    EventType.EXECUTION_STARTED: {
        **dict.fromkeys(("Correlation", "ParentTraceContext", "ScheduledStartTime")),
        "Generation": 0,
        "GenerateNewTrace": False,
    },
    EventType.TASK_SCHEDULED: dict.fromkeys(("Input", "ParentTraceContext", "Tags")),
    EventType.SUB_CREATED: dict.fromkeys(("Input", "ClientSpanId", "Tags")),
    EventType.EVENT_RAISED: {"ParentTraceContext": None},
    EventType.TASK_FAILED: {"FailureDetails": None},
    EventType.SUB_FAILED: {"FailureDetails": None},
    EventType.EXECUTION_COMPLETED: {"FailureDetails": None},
}


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


def view(rows: Iterable[str], *, show_input: bool, show_output: bool) -> list[dict[str, Any]]:
    """Convert history to the form of a status query, as the real extension does.

    Names replace the numbers of events. A completion takes the place of the event that scheduled it, and shows its
    name and time.
    """
    scheduled: dict[int, dict[str, Any]] = {}
    shown: list[dict[str, Any]] = []
    for item in map(json.loads, rows):
        kind = EventType(item["EventType"])
        if kind is EventType.ORCHESTRATOR_STARTED:
            continue
        entry = _present(kind, item)
        if kind in _SCHEDULING:
            scheduled[item["EventId"]] = entry
        elif source := scheduled.pop(item.get("TaskScheduledId", -1), None):
            shown = [each for each in shown if each is not source]
            entry |= {"ScheduledTime": source["Timestamp"], "FunctionName": source["Name"], "Input": None}
            entry |= {name: source[name] for name in ("InstanceId",) if name in source}
        shown.append(entry)
    hidden = {name for name, is_shown in (("Input", show_input), ("Result", show_output)) if not is_shown}
    return [{name: value for name, value in entry.items() if name not in hidden} for entry in shown]


def _present(kind: EventType, item: dict[str, Any]) -> dict[str, Any]:
    name = _VIEW_NAMES.get(kind) or "".join(word.title() for word in kind.name.split("_"))
    fields = {key: value for key, value in item.items() if key not in _HIDDEN}
    entry = {"EventType": name, **fields, **_EMPTY.get(kind, {})}
    if kind is EventType.EXECUTION_STARTED:
        entry["FunctionName"] = entry.pop("Name")
    if entry.get("Result") is not None:
        with contextlib.suppress(ValueError):  # reasons and failures are plain text
            entry["Result"] = json.loads(entry["Result"])
    return entry
