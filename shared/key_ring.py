"""Checks the API key of a request: one point read by id, whose result is cached for some seconds."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread

from cachetools import FIFOCache

from shared.api_keys import ApiKey, KeyState, KeyStore, parse_key, secret_matches
from shared.events import emit

Task = Callable[[], None]

_KEPT_FAILURES = 10


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """How long and how many lookups are cached.

    Attributes:
        known_seconds: How long a key is cached. A revoked key may be accepted this long.
        unknown_seconds: How long an id without a key is cached. A new key with this id may be refused this long.
        use_seconds: The minimum time between two writes of a key's last use, and between two events of its refusal.
        max_entries: For known and for unknown ids each. The entries that were read first are dropped first.
        unknown_reads: How many unknown ids are looked up one by one within `unknown_seconds`. Then the ids of all keys
            are read, once in that time, and ids that are not among them are unknown without another read. 0: always.
    """

    known_seconds: float = 30
    unknown_seconds: float = 5
    use_seconds: float = 300
    max_entries: int = 1000
    unknown_reads: int = 20


@dataclass(slots=True)
class _CachedLookup:
    key: ApiKey | None
    read: float
    use_recorded: datetime | None


class KeyRing:
    """Checks API keys for one process. Safe to share between threads."""

    def __init__(
        self,
        store: KeyStore,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        limits: CacheLimits = CacheLimits(),
        run_in_background: Callable[[Task], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Use a key store. A test may replace the clocks, the limits and how tasks run in the background.

        Args:
            now: Returns the present moment, by which keys expire.
            clock: Returns seconds, by which cached lookups get old. Nobody can set it.
        """
        self.store = store
        self._now = now
        self._clock = clock
        self._limits = limits
        self._run_in_background = run_in_background or _run_in_thread
        self._known: FIFOCache[str, _CachedLookup] = FIFOCache(limits.max_entries)
        self._unknown: FIFOCache[str, _CachedLookup] = FIFOCache(limits.max_entries)
        self._refusals: FIFOCache[str, float] = FIFOCache(limits.max_entries)
        self._lock = Lock()
        self._recent_unknown: deque[float] = deque(maxlen=limits.unknown_reads)
        self._ids: tuple[float, frozenset[str]] | None = None
        self._listing = Lock()
        self._failed_writes: deque[tuple[str, Exception]] = deque(maxlen=_KEPT_FAILURES)

    def find(self, presented: str, *, by_guesser: bool = False) -> ApiKey | None:
        """Return the key that a caller presented, or None if it is not valid.

        The result does not tell whether the key is malformed, unknown, wrong, expired or revoked. The secret is
        compared in each of these cases, so that the time does not tell either.

        Args:
            by_guesser: Whether the caller has presented many wrong keys. Then an unknown id is never looked up one by
                one, as after `CacheLimits.unknown_reads`. A valid key is found all the same.

        Raises:
            KeysUnavailableError: The key store did not answer.
        """
        self._report_failed_writes()
        text = parse_key(presented)
        found = self._lookup(text.id, by_guesser=by_guesser) if text else None
        key = found.key if found else None
        proven = secret_matches(text.secret if text else "", key)
        if found is None or key is None or not proven:
            return None
        state = key.state(self._now())
        if state is not KeyState.ACTIVE:
            self._report_refusal(key, state)
            return None
        self._record_use(key.id, found)
        return key

    def _report_refusal(self, key: ApiKey, state: KeyState) -> None:
        """Tell operators that a caller still uses a key that is no longer valid: now and then, not for each request."""
        now = self._clock()
        with self._lock:
            told = self._refusals.get(key.id)
            if told is not None and now - told < self._limits.use_seconds:
                return
            self._refusals[key.id] = now
        emit("key.refused", logging.WARNING, key=key.id, error=state.value)

    def _lookup(self, key_id: str, *, by_guesser: bool = False) -> _CachedLookup:
        now = self._clock()
        with self._lock:
            cached = self._cached(key_id, now)
        if cached is not None:
            return cached
        if (by_guesser or self._is_flooded(now)) and key_id not in self._all_ids(now):
            return _CachedLookup(None, now, None)
        key = self.store.get(key_id)
        found = _CachedLookup(key, now, key.last_used if key else None)
        with self._lock:
            self._cache(key_id, found)
            if key is None:
                self._recent_unknown.append(now)
        return found

    def _is_flooded(self, now: float) -> bool:
        """Return whether somebody guesses: so many unknown ids were looked up within a few seconds."""
        with self._lock:
            recent = self._recent_unknown
            return len(recent) == recent.maxlen and (not recent or self._is_recent(recent[0], now))

    def _all_ids(self, now: float) -> frozenset[str]:
        """Return the ids of all keys, as of the last few seconds."""
        with self._listing:
            if self._ids is None or not self._is_recent(self._ids[0], now):
                self._ids = now, frozenset(key.id for key in self.store.list())
            return self._ids[1]

    def _is_recent(self, moment: float, now: float) -> bool:
        return now - moment < self._limits.unknown_seconds

    def _cached(self, key_id: str, now: float) -> _CachedLookup | None:
        found = self._known.get(key_id) or self._unknown.get(key_id)
        if found is None:
            return None
        seconds = self._limits.known_seconds if found.key else self._limits.unknown_seconds
        return found if now - found.read < seconds else None

    def _cache(self, key_id: str, found: _CachedLookup) -> None:
        """Add a lookup to the cache. Unknown ids have a cache of their own, so guesses do not evict keys in use."""
        self._known.pop(key_id, None)
        self._unknown.pop(key_id, None)
        (self._known if found.key else self._unknown)[key_id] = found

    def _record_use(self, key_id: str, found: _CachedLookup) -> None:
        now = self._now()
        with self._lock:
            recorded = found.use_recorded
            if recorded is not None and now - recorded < timedelta(seconds=self._limits.use_seconds):
                return
            found.use_recorded = now
        self._run_in_background(lambda: self._write_last_use(key_id, now))

    def _write_last_use(self, key_id: str, moment: datetime) -> None:
        try:
            self.store.record_use(key_id, moment)
        except Exception as error:
            self._failed_writes.append((key_id, error))

    def _report_failed_writes(self) -> None:
        """Log what failed in the background. The host drops what a thread logs after its request has ended."""
        with suppress(IndexError):
            while self._failed_writes:
                key_id, error = self._failed_writes.popleft()
                emit("key.use_not_noted", logging.WARNING, cause=error, key=key_id)


def _run_in_thread(task: Task) -> None:
    with suppress(RuntimeError):  # the process has no thread left: the use is recorded after a later request
        Thread(target=task, name="record-key-use", daemon=True).start()
