"""The snapshot that a job reads, and the room for jobs that hold one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from exports.errors import SourceThrottledError
from shared.models import Model, Moment, OptionalField

SNAPSHOTS_OF_A_PROCESS, SNAPSHOTS_OF_A_TENANT = 2, 1
"""How many snapshots a process may hold at the same time. Each takes one of the four activities that a host runs at
once (`host.json`), so the other jobs keep at least two."""

_ASK_AGAIN_SECONDS = 2.0


class SnapshotDto(Model):
    """The state of the database that a file shows.

    Attributes:
        moment: Everything that was committed until this moment is in the file, by the clock of the database.
        token: What the database itself calls the state. Absent if the database has no name for it.
    """

    moment: Moment
    token: OptionalField[str] = None


class TakenSnapshot(SnapshotDto):
    """The snapshot that an attempt of a job has begun to read. No other attempt, and no later run, can read it again.

    Attributes:
        attempt: The attempt of the job.
    """

    attempt: int

    @property
    def shown(self) -> SnapshotDto:
        """Return what a reader of the file sees of it."""
        return SnapshotDto(moment=self.moment, token=self.token)


@dataclass
class SnapshotRoom:
    """The snapshots that this process holds. Threads may share it."""

    _held: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def place_for(self, tenant: str) -> Iterator[None]:
        """Hold a place while a snapshot is held.

        Raises:
            SourceThrottledError: This process, or the tenant in it, holds as many snapshots as it may. Trying again
                later helps.
        """
        with self._lock:
            if self._held.total() >= SNAPSHOTS_OF_A_PROCESS or self._held[tenant] >= SNAPSHOTS_OF_A_TENANT:
                message = "Other snapshots were being exported all the time. Start the export again later."
                raise SourceThrottledError(message, _ASK_AGAIN_SECONDS)
            self._held[tenant] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held -= Counter((tenant,))  # also forgets a tenant that holds no more
