"""From a seed to a schedule: which jobs are asked for, what goes wrong, and when. The same seed, the same schedule.

What real processes make of a schedule differs from run to run in its interleaving; what is done to them does not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from random import Random
from typing import Any


class Effect(StrEnum):
    """What happens to a request on its way to storage."""

    REFUSED = "refused"  # answered with `status`, without effect
    ANSWER_REPLACED = "answer-replaced"  # carried out, then answered with `status`
    CUT_BEFORE = "cut-before"
    CUT_AFTER = "cut-after"  # carried out, then cut
    DELAYED = "delayed"  # carried out `seconds` later: with luck the caller still waits
    LATE = "late"  # cut at once, and carried out `seconds` later, when the caller has tried again


class Target(StrEnum):
    """What can be killed."""

    HOST = "host"
    WORKER = "worker"
    STORAGE = "storage"
    SOURCE = "source"


class Trouble(StrEnum):
    """What can happen between the service and its source."""

    SLOW = "slow"
    STUCK = "stuck"
    CUT = "cut"


class Demand(StrEnum):
    """What a caller can ask for, about the first job or besides it."""

    CANCEL = "cancel"
    RESUME = "resume"
    CANCEL_AND_RESUME = "cancel-and-resume"
    RESUME_TWICE = "resume-twice"  # at once
    SAME_KEY = "start-with-same-key"  # three at once
    OTHER_JOB = "start-other-job"
    SLOT = "slot"  # a slot of the schedule comes, and its timer fires three times at once


class Doubling(StrEnum):
    """How often every activity is delivered."""

    ONCE = "once"
    TWICE = "twice"
    TWICE_AT_ONCE = "twice-at-once"


@dataclass(frozen=True, slots=True)
class Moment:
    """After `pages` pages have been recorded in this run, and then some seconds."""

    pages: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StorageFault:
    """Strikes requests of one operation: leaves `skip` of them alone, then strikes `times`."""

    operation: str
    skip: int
    times: int
    effect: Effect
    status: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Kill:
    """kill -9; after `down_seconds` it is started again (a worker: by its host, at once)."""

    target: Target
    at: Moment
    down_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SourceTrouble:
    """Reads of clients are slow or stuck for a while, or all cut."""

    kind: Trouble
    at: Moment
    seconds: float


@dataclass(frozen=True, slots=True)
class ClockJump:
    """The clock of host and workers jumps by so many seconds, and stays there."""

    at: Moment
    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """A caller asks for something."""

    demand: Demand
    at: Moment


@dataclass(frozen=True, slots=True)
class ReceiverTrouble:
    """The receiver of webhooks answers so, one after another, and then well; 0 is no answer."""

    answers: tuple[int, ...]


Event = StorageFault | Kill | SourceTrouble | ClockJump | Call | ReceiverTrouble


@dataclass(frozen=True, slots=True)
class Schedule:
    """One run.

    Attributes:
        body: Which of the known requests the first job is (see `requests`).
    """

    seed: int
    body: str
    doubling: Doubling
    events: tuple[Event, ...]

    def describe(self) -> str:
        """One line an event, as JSON, for a person who has to find out what happened."""
        head = f"seed {self.seed}: job {self.body!r}, activities delivered {self.doubling}"
        return "\n".join([head, *(f"  {_described(event)}" for event in self.events)])

    def summary(self) -> str:
        """The kinds of events, in a few words."""
        names = [self.doubling.value] if self.doubling is not Doubling.ONCE else []
        return " ".join(names + [kind_of(event) for event in self.events]) or "nothing"


BODIES = ("full", "narrow", "gzip")
"""Names of the requests that jobs are made of."""

WRITES = (
    "put block",
    "put blocklist",
    "put blob",
    "insert exportjobs",
    "insert exportpages",
    "update exportjobs",
    "update exportjobs",  # every step of a job ends in one
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
"""Pages of the first job; what happens when most of them are recorded still meets work to disturb."""


def make_schedule(seed: int) -> Schedule:
    """Make the schedule of a seed."""
    chance = Random(f"chaos {seed}")  # a text, so that neighbouring seeds have nothing in common
    doubling = chance.choices(list(Doubling), weights=[60, 20, 20])[0]
    makers = chance.choices([maker for maker, _ in _MAKERS], [weight for _, weight in _MAKERS], k=chance.randint(1, 7))
    events = tuple(maker(chance) for maker in makers)
    return Schedule(seed, chance.choice(BODIES), doubling, _bounded(events))


def without(schedule: Schedule, index: int) -> Schedule:
    """The schedule without one of its events: for finding the smallest that still fails."""
    events = schedule.events[:index] + schedule.events[index + 1 :]
    return Schedule(schedule.seed, schedule.body, schedule.doubling, events)


def kind_of(event: Event) -> str:
    """What an event is, in a word or two."""
    match event:
        case StorageFault():
            return f"{event.effect}{event.status or ''}"
        case Kill():
            return f"kill-{event.target}"
        case SourceTrouble():
            return f"source-{event.kind}"
        case ClockJump():
            return "clock-forward" if event.seconds > 0 else "clock-back"
        case Call():
            return event.demand.value
        case ReceiverTrouble():
            return "receiver-trouble"


def _described(event: Event) -> str:
    values: dict[str, Any] = asdict(event)
    return f"{type(event).__name__} {json.dumps(values)}"


def _bounded(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """At most one kill of each target that takes seconds to come back: a run is to last seconds."""
    seen: set[Target] = set()
    kept: list[Event] = []
    for event in events:
        if isinstance(event, Kill) and event.target is not Target.WORKER:
            if event.target in seen:
                continue
            seen.add(event.target)
        kept.append(event)
    return tuple(kept)


def _moment(chance: Random) -> Moment:
    return Moment(chance.randint(0, _LAST_MOMENT), round(chance.choice([0.0, chance.uniform(0, 0.3)]), 3))


def _storage_fault(chance: Random) -> StorageFault:
    effect = chance.choice(list(Effect))
    operation = chance.choice(WRITES) if chance.random() < 0.75 else chance.choice(READS)
    status, seconds = 0, 0.0
    if effect is Effect.REFUSED:
        status = chance.choice([429, 500, 503, 412])
        if status == 412:
            operation = chance.choice(CONDITIONAL)
    elif effect is Effect.ANSWER_REPLACED:
        status = chance.choice([500, 503])
    elif effect in (Effect.DELAYED, Effect.LATE):
        seconds = round(chance.uniform(0.2, 3.0), 2)
    times = chance.choice([1, 1, 2, 4, 8, 16])
    return StorageFault(operation, chance.randint(0, _PAGES), times, effect, status, seconds)


def _kill(target: Target) -> Callable[[Random], Kill]:
    def make(chance: Random) -> Kill:
        longest = chance.choice([0.5, 0.5, 4.0]) if target is not Target.WORKER else 0.0
        down = round(chance.uniform(0, longest), 2)
        return Kill(target, _moment(chance), down)

    return make


def _source_trouble(chance: Random) -> SourceTrouble:
    kind = chance.choice(list(Trouble))
    return SourceTrouble(kind, _moment(chance), round(chance.uniform(0.3, chance.choice([2.0, 8.0])), 2))


def _clock_jump(chance: Random) -> ClockJump:
    seconds = chance.choice([-3.0, -1.0, 5.0, 60.0, 600.0])
    return ClockJump(_moment(chance), seconds)


def _call(chance: Random) -> Call:
    return Call(chance.choice(list(Demand)), _moment(chance))


def _receiver_trouble(chance: Random) -> ReceiverTrouble:
    return ReceiverTrouble(tuple(chance.choices([0, 429, 500, 503], k=chance.randint(1, 3))))


_MAKERS: tuple[tuple[Callable[[Random], Event], int], ...] = (
    (_storage_fault, 40),
    (_call, 30),
    (_kill(Target.HOST), 8),
    (_kill(Target.WORKER), 8),
    (_kill(Target.STORAGE), 6),
    (_kill(Target.SOURCE), 8),
    (_source_trouble, 10),
    (_clock_jump, 6),
    (_receiver_trouble, 6),
)
