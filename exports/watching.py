"""What the watchdog knows of a job that should be under way, what it makes of it, and the index that finds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, Self

from exports.jobs import Job, JobRef
from exports.retention import Due

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
        looked: When the watchdog looked last.
        sign: What it saw; another sign means the attempt has come on.
        version: Names what is stored; only that is removed. Empty: nothing was read from storage.
    """

    tenant: str
    code: str
    attempt: int
    since: datetime
    looked: datetime
    sign: str = ""
    version: str = field(default="", compare=False)

    @property
    def ref(self) -> JobRef:
        """The job and the attempt."""
        return JobRef(tenant=self.tenant, code=self.code, attempt=self.attempt)

    def look(self, sign: str, now: datetime) -> Self:
        """Note what is seen. Time in which nobody looked does not count as time without progress."""
        came_on = bool(self.sign) and sign != self.sign
        since = now if came_on or now - self.looked > _AWAY else self.since
        return replace(self, since=since, looked=now, sign=sign)


def watched(ref: JobRef, now: datetime) -> Watched:
    """Begin to watch an attempt."""
    return Watched(ref.tenant, ref.code, ref.attempt, since=now, looked=now)


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
class Patience:
    """How long an attempt may be without orchestration, and without progress."""

    grace: timedelta
    stall: timedelta


def judge(job: Job, state: RunState, quiet: timedelta, patience: Patience) -> Action:
    """Say what to do about a job that has not ended.

    Args:
        state: Of the orchestration of the job's attempt.
        quiet: How long nothing about the attempt has changed.
    """
    if quiet < patience.grace:
        return Action.LEAVE  # a start may be under way, or an end
    if state is RunState.DEAD or quiet >= patience.stall:
        return Action.RETRY if job.retries < MOST_RETRIES else Action.FAIL
    return Action.START if state is RunState.MISSING else Action.LEAVE


class WatchIndex(Protocol):
    """Finds the jobs that need attention without reading the rows of all jobs. Raises `StorageUnavailableError` when
    trying again can help.

    Attempts under way: an entry is written before the job's row says that there is this attempt, and removed after the
    row says that it has ended. So whatever crashes in between, an attempt that is under way has an entry.
    """

    def watch(self, entry: Watched) -> None:
        """Watch an attempt; in place of an entry that it may have."""

    def note(self, entry: Watched) -> None:
        """Store what was seen of an attempt; nothing if it is no longer watched."""

    def unwatch(self, entry: Watched) -> None:
        """Watch an attempt no longer; but if the entry was read from storage, only if it is as it was then."""

    def watched(self, limit: int, after: Watched | None = None) -> list[Watched]:
        """Give at most `limit` entries, that come after one of them in an order that stays."""

    def active(self) -> Mapping[str, int]:
        """Count attempts under way by tenant; may be some seconds old, and end at 250 tenants."""

    def remember(self, due: Due) -> None:
        """Remember that something is to be done about a job that has ended."""

    def due(self, now: datetime, limit: int) -> list[Due]:
        """Give at most `limit` of what is due by now, the longest due first."""

    def forget(self, due: Due) -> None:
        """Forget it; nothing if it is not remembered."""

    def place(self, name: str) -> str:
        """Where a sweep of this name goes on; empty: at the beginning."""

    def keep_place(self, name: str, place: str) -> None:
        """Keep where a sweep goes on."""
