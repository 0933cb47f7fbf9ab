"""Limits what a process looks up in the client database while people wait: previews, and the values of filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import BoundedSemaphore, Lock

from cachetools import LRUCache

from exports.errors import SourceThrottledError
from exports.request.filter_values import FilterValuesDto
from exports.request.filters import ClientFilter
from exports.request.preview import ClientCount

_MOST_LOOKUPS = 4
_WAIT_SECONDS = 1.0
_KEEP = timedelta(minutes=1)
_LONGEST_WAIT_SECONDS = 20.0
"""How long a request waits for the values that another request looks up: somewhat longer than a lookup takes."""

_MOST_TENANTS = 1_000
_KEEP_COUNT = timedelta(seconds=15)
_MOST_COUNTS = 1_000
_NEVER = datetime.min.replace(tzinfo=UTC)


class LookupRoom:
    """Limits how many lookups of a process run at the same time, so that they leave connections to exports."""

    def __init__(self, most: int = _MOST_LOOKUPS, wait_seconds: float = _WAIT_SECONDS) -> None:
        self._places = BoundedSemaphore(most)
        self._wait_seconds = wait_seconds

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Hold a place for the block.

        Raises:
            SourceThrottledError: No place has become free within a second.
        """
        if not self._places.acquire(timeout=self._wait_seconds):
            raise SourceThrottledError("Too many previews and lists of filters are read at the same time.")
        try:
            yield
        finally:
            self._places.release()


@dataclass(slots=True)
class _Known:
    """The values of one tenant. `lock` is held while they are looked up, so that requests at once look up once."""

    lock: Lock = field(default_factory=Lock)
    found: datetime = _NEVER
    values: FilterValuesDto = field(default_factory=FilterValuesDto)


class FilterValueCache:
    """Keeps the values of filters for a minute. Safe to share between threads."""

    def __init__(self, longest_wait_seconds: float = _LONGEST_WAIT_SECONDS) -> None:
        self._longest_wait_seconds = longest_wait_seconds
        self._tenants: LRUCache[str, _Known] = LRUCache(_MOST_TENANTS)
        self._lock = Lock()

    def get(self, tenant: str, now: datetime, find: Callable[[], FilterValuesDto]) -> FilterValuesDto:
        """Return the values of a tenant that were found in the last minute, or find them.

        Raises:
            SourceThrottledError: Other requests look up the values of this tenant, and have not found them in time.
        """
        with self._lock:
            known = self._tenants[tenant] = self._tenants.get(tenant) or _Known()
        if not known.lock.acquire(timeout=self._longest_wait_seconds):
            raise SourceThrottledError("Other requests have looked up the same lists of filters for too long.")
        try:
            if not timedelta(0) <= now - known.found < _KEEP:  # a clock may be set back
                known.values, known.found = find(), now
            return known.values
        finally:
            known.lock.release()


@dataclass(frozen=True, slots=True)
class _Counted:
    """What counting for some seconds has found, and when."""

    at: datetime = _NEVER
    seconds: float = 0.0
    count: ClientCount = field(default_factory=ClientCount)


class CountCache:
    """Keeps numbers of clients for some seconds: people try columns more often than filters. Thread-safe."""

    def __init__(self) -> None:
        self._counts: LRUCache[tuple[str, str], _Counted] = LRUCache(_MOST_COUNTS)
        self._lock = Lock()

    def find(self, tenant: str, wanted: ClientFilter, now: datetime, seconds: float) -> ClientCount | None:
        """Return how many clients pass a filter. None: count, because counting for so many seconds may tell more."""
        with self._lock:
            known = self._counts.get(_key(tenant, wanted), _Counted())
        is_enough = known.count.total is not None or known.seconds >= seconds
        return known.count if is_enough and timedelta(0) <= now - known.at < _KEEP_COUNT else None

    def keep(self, tenant: str, wanted: ClientFilter, now: datetime, seconds: float, count: ClientCount) -> None:
        """Keep what counting for so many seconds has found."""
        with self._lock:
            self._counts[_key(tenant, wanted)] = _Counted(now, seconds, count)


def _key(tenant: str, wanted: ClientFilter) -> tuple[str, str]:
    return tenant, wanted.model_dump_json(exclude_defaults=True)
