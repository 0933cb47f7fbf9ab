"""Limits what a process looks up in the client database while people wait: previews, values of filters, estimates."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Lock

from cachetools import LRUCache

from exports.errors import SourceThrottledError
from exports.request.filter_values import FilterValuesDto
from exports.request.filters import ClientFilter
from exports.request.preview import ClientCount

LOOKUPS_OF_A_PROCESS, ESTIMATES_OF_A_PROCESS = 4, 3
"""How many lookups and estimates run at the same time. Each holds a connection. A process has 15 of them, and runs four
activities at once (`host.json`), which need one each, or two while they look for a bad value."""

_MOST_OF_A_TENANT = 2
_MOST_WAITING = 4
_WAIT_SECONDS = 1.0
_KEEP_SECONDS = 60.0
_LONGEST_WAIT_SECONDS = 20.0
"""How long a request waits for the values that another request looks up: somewhat longer than a lookup takes."""

_MOST_TENANTS = 1_000
_KEEP_COUNT_SECONDS = 15.0
_MOST_COUNTS = 1_000
_NEVER = -math.inf


class LookupRoom:
    """Limits how many lookups of a process run at the same time, so that they leave connections to exports.

    A tenant may have two of them, so that it leaves lookups to other tenants. As many may wait as may run. Thread-safe.
    """

    def __init__(
        self,
        most: int = LOOKUPS_OF_A_PROCESS,
        wait_seconds: float = _WAIT_SECONDS,
        things: str = "previews and lists of filters",
    ) -> None:
        """Make a room.

        Args:
            wait_seconds: How long a lookup waits for a place.
            things: What the lookups are, for the text of a refusal.
        """
        self._most = most
        self._wait_seconds = wait_seconds
        self._things = things
        self._running = Counter[str]()
        self._waiting = Counter[str]()
        self._changed = Condition()

    @contextmanager
    def enter(self, tenant: str) -> Iterator[None]:
        """Hold a place for the block.

        Raises:
            SourceThrottledError: No place has become free within a second, or too many wait already.
        """
        with self._changed:
            self._wait_for_place(tenant)
            self._running[tenant] += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= Counter((tenant,))  # also forgets a tenant that has no more
                self._changed.notify_all()

    def _wait_for_place(self, tenant: str) -> None:
        if not self._has_room(self._waiting, tenant):
            raise self._refusal(tenant)
        self._waiting[tenant] += 1
        try:
            if not self._changed.wait_for(lambda: self._has_room(self._running, tenant), self._wait_seconds):
                raise self._refusal(tenant)
        finally:
            self._waiting -= Counter((tenant,))

    def _has_room(self, those: Counter[str], tenant: str) -> bool:
        return those.total() < self._most and those[tenant] < _MOST_OF_A_TENANT

    def _refusal(self, tenant: str) -> SourceThrottledError:
        if self._running[tenant] >= _MOST_OF_A_TENANT:
            return SourceThrottledError(f"This tenant already has {_MOST_OF_A_TENANT} {self._things} in progress.")
        return SourceThrottledError(f"The service already has {self._most} {self._things} in progress.")


@dataclass(slots=True)
class _Known:
    """The values of one tenant. `lock` is held while they are looked up, so that requests at once look up once."""

    lock: Lock = field(default_factory=Lock)
    found: float = _NEVER
    values: FilterValuesDto = field(default_factory=FilterValuesDto)


class FilterValueCache:
    """Keeps the values of filters for a minute. Safe to share between threads."""

    def __init__(self, longest_wait_seconds: float = _LONGEST_WAIT_SECONDS) -> None:
        self._longest_wait_seconds = longest_wait_seconds
        self._waiting = LookupRoom(_MOST_WAITING, 0, "requests that wait for lists of filters")
        self._tenants: LRUCache[str, _Known] = LRUCache(_MOST_TENANTS)
        self._lock = Lock()

    def get(self, tenant: str, now: float, find: Callable[[], FilterValuesDto]) -> FilterValuesDto:
        """Return the values of a tenant that were found in the last minute, or find them.

        Few requests wait for the lookup of another one, because each that waits holds a thread of the process.

        Args:
            now: Seconds of a clock that is never set.

        Raises:
            SourceThrottledError: Another request looks up the values of this tenant. It has not found them in time, or
                too many requests wait for lookups already.
        """
        with self._lock:
            known = self._tenants[tenant] = self._tenants.get(tenant) or _Known()
        if not known.lock.acquire(blocking=False):
            with self._waiting.enter(tenant):
                if not known.lock.acquire(timeout=self._longest_wait_seconds):
                    raise SourceThrottledError("Other requests have looked up the same lists of filters for too long.")
        try:
            if now - known.found >= _KEEP_SECONDS:
                known.values, known.found = find(), now
            return known.values
        finally:
            known.lock.release()


@dataclass(frozen=True, slots=True)
class _Counted:
    """What counting for some seconds has found, and at which seconds of the clock."""

    at: float = _NEVER
    seconds: float = 0.0
    count: ClientCount = field(default_factory=ClientCount)


class CountCache:
    """Keeps numbers of clients for some seconds: people try columns more often than filters. Thread-safe.

    `now` is always seconds of a clock that is never set.
    """

    def __init__(self) -> None:
        self._counts: LRUCache[tuple[str, str], _Counted] = LRUCache(_MOST_COUNTS)
        self._lock = Lock()

    def find(self, tenant: str, wanted: ClientFilter, now: float, seconds: float) -> ClientCount | None:
        """Return how many clients pass a filter. None: count, because counting for so many seconds may tell more."""
        with self._lock:
            known = self._counts.get(_key(tenant, wanted), _Counted())
        is_enough = known.count.total is not None or known.seconds >= seconds
        return known.count if is_enough and now - known.at < _KEEP_COUNT_SECONDS else None

    def keep(self, tenant: str, wanted: ClientFilter, now: float, seconds: float, count: ClientCount) -> None:
        """Keep what counting for so many seconds has found."""
        with self._lock:
            self._counts[_key(tenant, wanted)] = _Counted(now, seconds, count)


def _key(tenant: str, wanted: ClientFilter) -> tuple[str, str]:
    return tenant, wanted.model_dump_json(exclude_defaults=True)
