"""Limits the tries to deliver notifications that are in flight, and lets receivers rest that do not answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Semaphore

from cachetools import FIFOCache

from exports.notifications.delivery import Postponement, SendResult

TRIES_IN_ALL, TRIES_OF_A_TENANT, TRIES_OF_A_RECEIVER = 12, 3, 2
"""How many tries each process may have in flight. A receiver that did not answer its last try gets one at a time."""

HANGS_BEFORE_REST = 3
FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 15.0, 1800.0
"""The first rest of a receiver, and the longest. Each rest is twice as long as the one before."""

_HANG_MILLISECONDS = 1000
"""A try without a response has hung if it took this long. A refused connection has not: it holds nobody up."""

_MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Try:
    """A try to deliver a message. `origin`: the receiver, or the mail server, as scheme, host and port."""

    tenant: str
    origin: str
    event_id: str
    number: int

    @property
    def receiver(self) -> tuple[str, str]:
        """The receiver, for each tenant its own: no tenant can make the receiver of another tenant rest."""
        return self.tenant, self.origin.lower()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A try must be made later. `rest_seconds`: how long its receiver still rests."""

    reason: Postponement
    rest_seconds: float = 0


@dataclass(frozen=True, slots=True)
class _Hangs:
    """How many tries in a row a receiver did not answer, and until when it rests."""

    count: int = 0
    rest_until: float = 0


@dataclass
class SendingRoom:
    """The tries in flight in this process, and what it knows about receivers that hang. Threads may share it.

    Each process has a room of its own and learns by itself which receivers hang.

    Attributes:
        attention: Held by the step that waits for the response to its try. All others leave their tries alone.
    """

    clock: Callable[[], float] = time.monotonic
    attention: Semaphore = field(default_factory=Semaphore)
    _inside: set[Try] = field(default_factory=set)
    _hangs: FIFOCache[tuple[str, str], _Hangs] = field(default_factory=lambda: FIFOCache(_MAX_REMEMBERED))
    _lock: Lock = field(default_factory=Lock)

    def enter(self, this: Try) -> Refusal | None:
        """Let a try begin, or say why it must be made later. After a try that has begun, call `leave`."""
        with self._lock:
            hangs = self._hangs.get(this.receiver, _Hangs())
            rest_seconds = hangs.rest_until - self.clock()
            if rest_seconds > 0:
                return Refusal(Postponement.RESTING, rest_seconds)
            if not self._has_room(this, 1 if hangs.count else TRIES_OF_A_RECEIVER):
                return Refusal(Postponement.NO_ROOM)
            self._inside.add(this)
            return None

    def leave(self, this: Try, result: SendResult | None) -> None:
        """End a try. Its receiver rests after the third try in a row that hung, and after each further one.

        Args:
            result: None if nothing is known about the receiver.
        """
        with self._lock:
            self._inside.discard(this)
            if result is not None:
                self._remember(this.receiver, result)

    def holds(self, this: Try) -> bool:
        """Say whether a try is in flight in this process."""
        with self._lock:
            return this in self._inside

    def hung_last(self, this: Try) -> bool:
        """Say whether the receiver did not answer its last try."""
        with self._lock:
            return this.receiver in self._hangs

    def _has_room(self, this: Try, of_receiver: int) -> bool:
        of_tenant = [each for each in self._inside if each.tenant == this.tenant]
        return (
            len(self._inside) < TRIES_IN_ALL
            and len(of_tenant) < TRIES_OF_A_TENANT
            and sum(each.receiver == this.receiver for each in of_tenant) < of_receiver
        )

    def _remember(self, receiver: tuple[str, str], result: SendResult) -> None:
        count = self._hangs.pop(receiver, _Hangs()).count
        if result.status is not None or result.milliseconds < _HANG_MILLISECONDS:
            return
        rest_seconds = 0.0
        if count + 1 >= HANGS_BEFORE_REST:
            doublings = min(count + 1 - HANGS_BEFORE_REST, 30)
            rest_seconds = min(FIRST_REST_SECONDS * 2**doublings, LONGEST_REST_SECONDS)
        self._hangs[receiver] = _Hangs(count + 1, self.clock() + rest_seconds)
