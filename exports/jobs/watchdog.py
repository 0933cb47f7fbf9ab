"""What the watchdog knows of a job that should be under way, what it makes of it, and the index that finds it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from exports.jobs.job import Job, JobRef

MOST_RETRIES = 3
"""New attempts the watchdog makes of a job before it fails it."""

WRITING_TIME = timedelta(minutes=15)
"""An entry is written before what it stands for. Whoever has not got so far by now never will: `functionTimeout` in
`host.json` is ten minutes."""

_AWAY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Watched:
    """An attempt of a job that is, or is about to be, under way.

    Attributes:
        since: When the attempt was noted, or was last seen to have come on.
        checked: When the watchdog looked last.
        fingerprint: Of the progress that it saw; another one means the attempt has come on.
        version: Names what is stored; only that is removed. Empty: nothing was read from storage.
    """

    tenant: str
    code: str
    attempt: int
    since: datetime
    checked: datetime
    fingerprint: str = ""
    version: str = field(default="", compare=False)

    @property
    def ref(self) -> JobRef:
        """The job and the attempt."""
        return JobRef(tenant=self.tenant, code=self.code, attempt=self.attempt)

    def observe(self, fingerprint: str, now: datetime) -> Self:
        """Note what is seen. Time in which nobody looked does not count as time without progress."""
        came_on = bool(self.fingerprint) and fingerprint != self.fingerprint
        since = now if came_on or now - self.checked > _AWAY else self.since
        return replace(self, since=since, checked=now, fingerprint=fingerprint)


def watched(ref: JobRef, now: datetime) -> Watched:
    """Begin to watch an attempt."""
    return Watched(ref.tenant, ref.code, ref.attempt, since=now, checked=now)


class RunState(StrEnum):
    """What Durable Functions says of the orchestration of an attempt."""

    MISSING = "missing"
    ALIVE = "alive"
    DEAD = "dead"


class Action(StrEnum):
    """What the watchdog does."""

    LEAVE = "leave"
    START = "start"
    RETRY = "retry"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long an attempt may be without orchestration, and without progress."""

    grace: timedelta
    stall: timedelta


def judge(job: Job, state: RunState, idle: timedelta, timeouts: Timeouts) -> Action:
    """Say what to do about a job that has not ended.

    Args:
        state: Of the orchestration of the job's attempt.
        quiet: How long nothing about the attempt has changed.
    """
    if idle < timeouts.grace:
        return Action.LEAVE  # a start may be under way, or an end
    if state is RunState.DEAD or idle >= timeouts.stall:
        return Action.RETRY if job.retries < MOST_RETRIES else Action.FAIL
    return Action.START if state is RunState.MISSING else Action.LEAVE
