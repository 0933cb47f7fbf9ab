"""The rules of the watchdog: what it records about an attempt of a job, and how it decides to act."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from exports.jobs.job import Job, JobRef

MAX_RETRIES = 3
"""How many new attempts of a job begin by themselves before the job fails: the watchdog starts them, or the loss of a
snapshot does."""

MAX_WRITE_TIME = timedelta(minutes=15)
"""How long the watchdog observes an entry without its attempt before it gives the entry up. The entry is written first,
then the attempt. A writer older than this was killed by `functionTimeout`, which is ten minutes in `host.json`, or its
host was frozen. Then the writer watches the attempt again (`exports/steps/watching.py`)."""

DEAD_HOST_TIME = timedelta(minutes=2)
"""How long a host that died can delay the steps that it ran: as long as its messages stay hidden from other hosts.

It is the longest of the timeouts in `host.json` and its variants."""

_MAX_OBSERVATION_GAP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Watched:
    """An attempt of a job that is running or about to start, as the watchdog records it.

    Attributes:
        since: When the attempt was registered, or when the watchdog last observed progress.
        checked: When the watchdog last checked the attempt.
        fingerprint: Fingerprint of the progress at that check. A different one means that there was progress.
        version: The stored version that this entry was read from; empty: it was not read from storage.
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
        """Return the reference to the job and the attempt."""
        return JobRef(tenant=self.tenant, code=self.code, attempt=self.attempt)

    def observe(self, fingerprint: str, now: datetime) -> Self:
        """Record a check. Time in which the watchdog did not run does not count as time without progress.

        Nor does time by a clock that was ahead. Otherwise an entry of that host would hide a dead job until then.
        """
        has_progress = bool(self.fingerprint) and fingerprint != self.fingerprint
        since = now if has_progress or abs(now - self.checked) > _MAX_OBSERVATION_GAP else self.since
        return replace(self, since=since, checked=now, fingerprint=fingerprint)


def watched(ref: JobRef, now: datetime) -> Watched:
    """Make the entry with which the watchdog begins to watch an attempt."""
    return Watched(ref.tenant, ref.code, ref.attempt, since=now, checked=now)


class RunState(StrEnum):
    """The state of an attempt's orchestration, according to Durable Functions."""

    MISSING = "missing"
    ALIVE = "alive"
    DEAD = "dead"


class Action(StrEnum):
    """The decision of the watchdog about an attempt."""

    LEAVE = "leave"
    START = "start"
    RETRY = "retry"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long an attempt may be without an orchestration (`grace`), and without progress (`stall`)."""

    grace: timedelta
    stall: timedelta


def judge(job: Job, state: RunState, idle: timedelta, timeouts: Timeouts) -> Action:
    """Decide what to do about a job that has not ended.

    Args:
        state: The state of the orchestration of the job's attempt.
        idle: How long the attempt has made no progress.
    """
    if idle < timeouts.grace:
        return Action.LEAVE  # the orchestration may be about to start, or about to record its end
    if state is RunState.DEAD or idle >= timeouts.stall:
        return Action.RETRY if job.retries < MAX_RETRIES else Action.FAIL
    return Action.START if state is RunState.MISSING else Action.LEAVE
