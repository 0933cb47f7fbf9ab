"""Slows callers who guess: it counts wrong credentials by the address of the caller, in memory."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

from cachetools import LRUCache

from shared.client_address import HEADER, client_address
from shared.events import emit

_MINUTE_SECONDS = 60.0


@dataclass(slots=True)
class _Guesses:
    """The wrong credentials of an address.

    Attributes:
        settled: When the address will have its full allowance again, on the clock of the limit.
        is_told: Whether the log has an event about it, since the address last had its full allowance.
    """

    settled: float
    is_told: bool = False


class GuessLimit:
    """Limits the wrong credentials of each address, for one process. Safe to share between threads.

    An address may send `per_minute` wrong credentials at once, and then as many in each minute, evenly spread (the
    generic cell rate algorithm). Callers whose address is unknown share one allowance.

    The number of addresses is bounded, because a caller may have many. Beyond it, the address that has not been
    looked up for the longest time is forgotten, and so has its full allowance again.
    """

    def __init__(
        self,
        per_minute: int = 30,
        trusted_proxies: int = 1,
        clock: Callable[[], float] = time.monotonic,
        max_addresses: int = 10_000,
    ) -> None:
        self._pause = _MINUTE_SECONDS / per_minute
        self._tolerance = _MINUTE_SECONDS - self._pause
        self._trusted_proxies = trusted_proxies
        self._clock = clock
        self._guesses: LRUCache[str, _Guesses] = LRUCache(max_addresses)
        self._lock = Lock()

    def caller(self, headers: Mapping[str, str]) -> Guesser:
        """Return the caller of a request with these headers."""
        return Guesser(self, client_address(headers.get(HEADER, ""), self._trusted_proxies))

    def wait_seconds(self, address: str) -> float:
        """Return for how long this address has no allowance; 0 if it has some."""
        with self._lock:
            guesses = self._guesses.get(address)
            return self._wait(guesses, self._clock()) if guesses else 0

    def count(self, address: str) -> float:
        """Count wrong credentials. Return how long this address has to wait; 0 if they were within its allowance."""
        with self._lock:
            now = self._clock()
            guesses = self._guesses.get(address)
            if guesses is None or guesses.settled <= now:
                guesses = self._guesses[address] = _Guesses(now)
            wait = self._wait(guesses, now)
            if not wait:
                guesses.settled += self._pause
            is_news, guesses.is_told = wait > 0 and not guesses.is_told, guesses.is_told or wait > 0
        if is_news:
            emit("caller.slowed", logging.WARNING, seconds=wait)
        return wait

    def _wait(self, guesses: _Guesses, now: float) -> float:
        return max(0.0, guesses.settled - self._tolerance - now)


@dataclass(frozen=True, slots=True)
class Guesser:
    """A caller who may be guessing."""

    limit: GuessLimit
    address: str

    @property
    def is_slowed(self) -> bool:
        """Whether wrong credentials of this caller are beyond the limit."""
        return self.limit.wait_seconds(self.address) > 0

    def count(self) -> int:
        """Count wrong credentials. Return the seconds to wait before the next ones; 0: they were within the limit."""
        return math.ceil(self.limit.count(self.address))
