"""The rows of the state file as values, and the changes that one episode of an orchestration makes to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from devhost.durable.history import EventType

TERMINAL_STATUSES = ("Completed", "Failed", "Terminated")


@dataclass(frozen=True)
class OpenTask:
    """A task that an execution waits for. The kind `retry` is the pause before another attempt.

    Attributes:
        leaf: Index of the action that asked for the task.
        attempt: Which attempt this is, from 1.
        max_attempts: Attempts allowed; 0 for calls without retry options.
    """

    kind: Literal["activity", "sub", "timer", "retry"]
    leaf: int
    attempt: int = 1
    max_attempts: int = 0


@dataclass(frozen=True)
class Parent:
    """The orchestration that waits for a sub-orchestration, and the id of the task it waits for."""

    id: str
    execution: str
    task: int


@dataclass
class Instance:
    """One orchestration. Each continue-as-new starts a new execution of it.

    Attributes:
        input: JSON text as received (or the JSON of the value that an orchestrator passed).
        output: JSON text of the result, or the plain text of a failure or termination reason.
        next_task: The id that the next scheduled task gets.
        leaves: How many leaf actions have been turned into tasks so far.
        fingerprint: Identifies those leaf actions; see `actions.fingerprint`.
        events: How many history rows there are.
        open: The tasks that the current execution waits for, by id.
    """

    id: str
    name: str
    version: str | None
    status: str
    input: str | None
    output: str | None
    custom_status: str | None
    execution: str
    parent: Parent | None
    created: float
    updated: float
    next_task: int = 0
    leaves: int = 0
    fingerprint: int = 0
    events: int = 0
    open: dict[int, OpenTask] = field(default_factory=dict)

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL_STATUSES


@dataclass(frozen=True)
class Message:
    """An event that waits for an orchestration.

    A message for an earlier execution than the current one is stale. `execution` is None for messages that every
    execution may read, such as external events.
    """

    number: int
    execution: str | None
    kind: EventType
    task: int | None
    event: str


@dataclass(frozen=True)
class Activity:
    """A scheduled activity. Its row works as a token: only the caller that deletes the row may report the result.

    Attributes:
        deaths: How many workers have died while they ran it.
    """

    number: int
    instance_id: str
    execution: str
    task: int
    name: str
    input: str
    deaths: int


@dataclass(frozen=True)
class NewInstance:
    """An orchestration to start."""

    id: str
    name: str
    raw_input: str | None
    version: str | None = None
    parent: Parent | None = None


@dataclass
class Outcome:
    """All changes of one episode. The store commits them together or not at all.

    Attributes:
        instance: The instance as it is after the episode.
        consumed: Numbers of the inbox messages that the episode has used up.
        activities: (task id, name, input) of each new activity.
        timers: (due time, task id, event) of each new timer. The event is delivered when the timer is due.
        cancelled: Task ids of the timers to cancel.
        restart: True if `instance` begins a new execution (continue-as-new).
        parent_event: The event for the waiting parent, if the instance ended.
    """

    instance: Instance
    consumed: list[int]
    history: list[tuple[EventType, str]] = field(default_factory=list)
    activities: list[tuple[int, str, str]] = field(default_factory=list)
    timers: list[tuple[float, int, str]] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    children: list[NewInstance] = field(default_factory=list)
    restart: bool = False
    parent_event: tuple[EventType, str] | None = None


@dataclass(frozen=True)
class Filter:
    """A query over instances. Criteria that are None or empty match every instance."""

    created_from: float | None = None
    created_to: float | None = None
    statuses: Sequence[str] = ()
    prefix: str | None = None
    top: int | None = None
