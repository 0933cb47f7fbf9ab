"""Makes a schedule from a seed: which jobs are started, which faults are injected, and when.

The same seed always gives the same schedule. The interleaving of the real processes differs from run to run, but the
events do not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from random import Random
from typing import Any


class Effect(StrEnum):
    """What a fault does to a request to storage."""

    REFUSED = "refused"  # storage responds with `status`, and does not carry out the request
    ANSWER_REPLACED = "answer-replaced"  # storage carries out the request, then responds with `status`
    CUT_BEFORE = "cut-before"  # the connection is cut, and the request is not carried out
    CUT_AFTER = "cut-after"  # storage carries out the request, then the connection is cut
    DELAYED = "delayed"  # storage carries out the request `seconds` later; the caller may still be waiting
    LATE = "late"  # the connection is cut at once; storage carries out the request `seconds` later, after a retry


class Target(StrEnum):
    """The processes that can be killed."""

    HOST = "host"
    WORKER = "worker"
    STORAGE = "storage"
    SOURCE = "source"


class SourceEffect(StrEnum):
    """What a fault does to the connections between the service and its source."""

    SLOW = "slow"
    STUCK = "stuck"
    CUT = "cut"


class CallerAction(StrEnum):
    """What a caller does, with the first job or with another one."""

    CANCEL = "cancel"
    RESUME = "resume"
    CANCEL_AND_RESUME = "cancel-and-resume"
    RESUME_TWICE = "resume-twice"  # at the same time
    SAME_KEY = "start-with-same-key"  # three times at the same time
    OTHER_JOB = "start-other-job"
    SLOT = "slot"  # a slot of the schedule becomes due, and the timer fires three times at the same time


class Delivery(StrEnum):
    """How often every activity is delivered."""

    ONCE = "once"
    TWICE = "twice"
    TWICE_AT_ONCE = "twice-at-once"


@dataclass(frozen=True, slots=True)
class Moment:
    """The moment `seconds` after this run has recorded its `pages`-th page."""

    pages: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StorageFault:
    """A fault in requests of one operation: it spares the first `skip` requests and affects the next `times`."""

    operation: str
    skip: int
    times: int
    effect: Effect
    status: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Kill:
    """Kills a process with `kill -9`; it restarts after `down_seconds` (a worker: at once, by its host)."""

    target: Target
    at: Moment
    down_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SourceFault:
    """Makes reads of clients slow or stuck for some seconds, or cuts all connections once."""

    kind: SourceEffect
    at: Moment
    seconds: float


@dataclass(frozen=True, slots=True)
class ClockJump:
    """Moves the clocks of host and workers by some seconds, permanently."""

    at: Moment
    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a caller."""

    action: CallerAction
    at: Moment


@dataclass(frozen=True, slots=True)
class ReceiverFault:
    """Makes the webhook receiver respond with these statuses, one after the other; 0 is no response."""

    statuses: tuple[int, ...]


Event = StorageFault | Kill | SourceFault | ClockJump | Call | ReceiverFault


@dataclass(frozen=True, slots=True)
class Schedule:
    """The plan of one run.

    Attributes:
        body: Name of the first job's request (see `requests`).
    """

    seed: int
    body: str
    delivery: Delivery
    events: tuple[Event, ...]

    def describe(self) -> str:
        """Return one line for each event, as JSON, for people who analyse the run."""
        head = f"seed {self.seed}: job {self.body!r}, activities delivered {self.delivery}"
        return "\n".join([head, *(f"  {_described(event)}" for event in self.events)])

    def summary(self) -> str:
        """Return the kinds of the events, for one line of output."""
        names = [self.delivery.value] if self.delivery is not Delivery.ONCE else []
        return " ".join(names + [kind_of(event) for event in self.events]) or "nothing"


BODIES = ("full", "narrow", "gzip")
"""Names of the requests that jobs can have."""

WRITES = (
    "put block",
    "put blocklist",
    "put blob",
    "insert exportjobs",
    "insert exportpages",
    "update exportjobs",
    "update exportjobs",  # listed twice, because every step of a job ends with one
    "insert exportaudit",
    "insert exportrequests",
    "update exportwatch",
    "delete exportwatch",
)
READS = (
    "get blob",
    "get blocklist",
    "head blob",
    "find exportjobs",
    "find exportpages",
    "find exportrequests",
    "query exportpages",
    "query exportwatch",
)
CONDITIONAL = ("update exportjobs",)
_PAGES, _LAST_MOMENT = 9, 7
"""The pages of the first job, and the last page after which an event can occur: some work must be left to disturb."""


def make_schedule(seed: int) -> Schedule:
    """Make the schedule of a seed."""
    random = Random(f"chaos {seed}")  # a text, so that adjacent seeds give unrelated schedules
    delivery = random.choices(list(Delivery), weights=[60, 20, 20])[0]
    makers = random.choices([maker for maker, _ in _MAKERS], [weight for _, weight in _MAKERS], k=random.randint(1, 7))
    events = tuple(maker(random) for maker in makers)
    return Schedule(seed, random.choice(BODIES), delivery, _bounded(events))


def without(schedule: Schedule, index: int) -> Schedule:
    """Return the schedule without one of its events, to find the smallest one that still fails."""
    events = schedule.events[:index] + schedule.events[index + 1 :]
    return Schedule(schedule.seed, schedule.body, schedule.delivery, events)


def kind_of(event: Event) -> str:
    """Return the kind of an event in a word or two."""
    match event:
        case StorageFault():
            return f"{event.effect}{event.status or ''}"
        case Kill():
            return f"kill-{event.target}"
        case SourceFault():
            return f"source-{event.kind}"
        case ClockJump():
            return "clock-forward" if event.seconds > 0 else "clock-back"
        case Call():
            return event.action.value
        case ReceiverFault():
            return "receiver-fault"


def _described(event: Event) -> str:
    values: dict[str, Any] = asdict(event)
    return f"{type(event).__name__} {json.dumps(values)}"


def _bounded(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Keep one kill of each process that takes seconds to restart, so that a run takes only seconds."""
    seen: set[Target] = set()
    kept: list[Event] = []
    for event in events:
        if isinstance(event, Kill) and event.target is not Target.WORKER:
            if event.target in seen:
                continue
            seen.add(event.target)
        kept.append(event)
    return tuple(kept)


def _moment(random: Random) -> Moment:
    return Moment(random.randint(0, _LAST_MOMENT), round(random.choice([0.0, random.uniform(0, 0.3)]), 3))


def _storage_fault(random: Random) -> StorageFault:
    effect = random.choice(list(Effect))
    operation = random.choice(WRITES) if random.random() < 0.75 else random.choice(READS)
    status, seconds = 0, 0.0
    if effect is Effect.REFUSED:
        status = random.choice([429, 500, 503, 412])
        if status == 412:
            operation = random.choice(CONDITIONAL)
    elif effect is Effect.ANSWER_REPLACED:
        status = random.choice([500, 503])
    elif effect in (Effect.DELAYED, Effect.LATE):
        seconds = round(random.uniform(0.2, 3.0), 2)
    times = random.choice([1, 1, 2, 4, 8, 16])
    return StorageFault(operation, random.randint(0, _PAGES), times, effect, status, seconds)


def _kill(target: Target) -> Callable[[Random], Kill]:
    def make(random: Random) -> Kill:
        longest = random.choice([0.5, 0.5, 4.0]) if target is not Target.WORKER else 0.0
        down = round(random.uniform(0, longest), 2)
        return Kill(target, _moment(random), down)

    return make


def _source_fault(random: Random) -> SourceFault:
    kind = random.choice(list(SourceEffect))
    return SourceFault(kind, _moment(random), round(random.uniform(0.3, random.choice([2.0, 8.0])), 2))


def _clock_jump(random: Random) -> ClockJump:
    seconds = random.choice([-3.0, -1.0, 5.0, 60.0, 600.0])
    return ClockJump(_moment(random), seconds)


def _call(random: Random) -> Call:
    return Call(random.choice(list(CallerAction)), _moment(random))


def _receiver_fault(random: Random) -> ReceiverFault:
    return ReceiverFault(tuple(random.choices([0, 429, 500, 503], k=random.randint(1, 3))))


_MAKERS: tuple[tuple[Callable[[Random], Event], int], ...] = (
    (_storage_fault, 40),
    (_call, 30),
    (_kill(Target.HOST), 8),
    (_kill(Target.WORKER), 8),
    (_kill(Target.STORAGE), 6),
    (_kill(Target.SOURCE), 8),
    (_source_fault, 10),
    (_clock_jump, 6),
    (_receiver_fault, 6),
)
