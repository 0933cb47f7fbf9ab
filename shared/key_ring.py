"""Finds out whose API key a caller shows: one point read by id, remembered for some seconds."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread

from shared.api_keys import ApiKey, KeyState, KeyStore, parse_key, proves

Task = Callable[[], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Memory:
    """How long look-ups are remembered, and how many.

    Attributes:
        known_seconds: So long a revocation may go unnoticed.
        unknown_seconds: So long an id that nobody had stays refused.
        use_seconds: The last use of a key is written once in such a span.
        most: Of known and of unknown ids each; the ones read longest ago are forgotten first.
    """

    known_seconds: float = 30
    unknown_seconds: float = 5
    use_seconds: float = 300
    most: int = 1000


@dataclass(slots=True)
class _LookUp:
    key: ApiKey | None
    read: datetime
    use_noted: datetime | None


class KeyRing:
    """The keys of a service as one process sees them. Safe to share between threads."""

    def __init__(
        self,
        store: KeyStore,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        memory: Memory = Memory(),
        run_aside: Callable[[Task], None] | None = None,
    ) -> None:
        """Take the store, and what a test may replace: the clock, the times, and where last uses are written."""
        self.store = store
        self._now = now
        self._memory = memory
        self._run_aside = run_aside or _run_in_thread
        self._known: OrderedDict[str, _LookUp] = OrderedDict()
        self._unknown: OrderedDict[str, _LookUp] = OrderedDict()
        self._lock = Lock()

    def find(self, presented: str) -> ApiKey | None:
        """Find the key a caller shows; None if it is malformed, unknown, wrong, expired or revoked, all the same.

        Raises:
            KeysUnavailableError: The keys cannot be read now.
        """
        text = parse_key(presented)
        found = self._look_up(text.id) if text else None
        key = found.key if found else None
        proven = proves(text.secret if text else "", key)
        if found is None or key is None or not proven or key.state(self._now()) is not KeyState.ACTIVE:
            return None
        self._note_use(key.id, found)
        return key

    def _look_up(self, key_id: str) -> _LookUp:
        now = self._now()
        with self._lock:
            remembered = self._recall(key_id, now)
        if remembered is not None:
            return remembered
        key = self.store.get(key_id)
        found = _LookUp(key, now, key.last_used if key else None)
        with self._lock:
            self._remember(key_id, found)
        return found

    def _recall(self, key_id: str, now: datetime) -> _LookUp | None:
        found = self._known.get(key_id) or self._unknown.get(key_id)
        if found is None:
            return None
        seconds = self._memory.known_seconds if found.key else self._memory.unknown_seconds
        is_fresh = timedelta(0) <= now - found.read < timedelta(seconds=seconds)  # a clock may be set back
        return found if is_fresh else None

    def _remember(self, key_id: str, found: _LookUp) -> None:
        """Known and unknown ids are kept apart, so that guessing does not push out the keys in use."""
        self._known.pop(key_id, None)
        self._unknown.pop(key_id, None)
        ids = self._known if found.key else self._unknown
        ids[key_id] = found
        if len(ids) > self._memory.most:
            ids.popitem(last=False)

    def _note_use(self, key_id: str, found: _LookUp) -> None:
        now = self._now()
        with self._lock:
            noted = found.use_noted
            if noted is not None and now - noted < timedelta(seconds=self._memory.use_seconds):
                return
            found.use_noted = now
        self._run_aside(lambda: self._write_use(key_id, now))

    def _write_use(self, key_id: str, moment: datetime) -> None:
        try:
            self.store.note_use(key_id, moment)
        except Exception:
            _log.warning("event=key.use_not_noted key=%s", key_id, exc_info=True)


def _run_in_thread(task: Task) -> None:
    with suppress(RuntimeError):  # no thread to be had: the next look-up notes the use
        Thread(target=task, name="note-key-use", daemon=True).start()
