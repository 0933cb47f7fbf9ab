"""The rows of the store as values, and what one episode of an orchestration changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from devhost.history import EventType

TERMINAL = ("Completed", "Failed", "Terminated")


@dataclass(frozen=True)
class Open:
    """Work an execution waits for; a `retry` is the pause before another attempt.

    Attributes:
        leaf: Index of the action that asked for it.
        attempts: Attempts allowed; 0 for calls without retry options.
    """

    kind: Literal["activity", "sub", "timer", "retry"]
    leaf: int
    attempt: int = 1
    attempts: int = 0


@dataclass(frozen=True)
class Parent:
    """Who waits for a sub-orchestration, and under which id."""

    id: str
    execution: str
    task: int


@dataclass
class Instance:
    """One orchestration. An execution is one generation of it: continue-as-new starts the next.

    Attributes:
        input: JSON text as received (or the JSON of what an orchestrator passed).
        output: JSON text of the result, or the plain text of a failure or termination reason.
        next: The id the next piece of scheduled work gets.
        leaves: How many leaf actions have been turned into work already.
        events: How many history rows there are.
    """

    id: str
    name: str
    version: str | None
    status: str
    input: str | None
    output: str | None
    custom: str | None
    execution: str
    parent: Parent | None
    created: float
    updated: float
    next: int = 0
    leaves: int = 0
    fingerprint: int = 0
    events: int = 0
    open: dict[int, Open] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        return self.status in TERMINAL


@dataclass(frozen=True)
class Message:
    """An event waiting for an orchestration. Those of another execution than the current one are stale."""

    n: int
    execution: str | None
    kind: EventType
    task: int | None
    event: str


@dataclass(frozen=True)
class Activity:
    """A scheduled activity. The row is the token: whoever deletes it may report the result."""

    n: int
    id: str
    execution: str
    task: int
    name: str
    input: str
    deaths: int


@dataclass(frozen=True)
class NewInstance:
    id: str
    name: str
    raw_input: str | None
    version: str | None = None
    parent: Parent | None = None


@dataclass
class Outcome:
    """Everything one episode changes; committed as a whole or not at all.

    Attributes:
        instance: The instance as it is afterwards.
        consumed: Inbox rows that are done with.
        timers: (fire at, id, event), each to be delivered when due.
        cancelled: Ids of timers to take back.
        restart: True if `instance` begins a new execution (continue-as-new).
        answer: The event for the waiting parent, if the instance ended.
    """

    instance: Instance
    consumed: list[int]
    history: list[tuple[EventType, str]] = field(default_factory=list)
    activities: list[tuple[int, str, str]] = field(default_factory=list)
    timers: list[tuple[float, int, str]] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    children: list[NewInstance] = field(default_factory=list)
    restart: bool = False
    answer: tuple[EventType, str] | None = None


@dataclass(frozen=True)
class Filter:
    """A query over instances; what is None or empty does not restrict it."""

    created_from: float | None = None
    created_to: float | None = None
    statuses: Sequence[str] = ()
    prefix: str | None = None
    top: int | None = None
