"""Builds API keys for tests, and keeps them in memory."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Any

from exports.request.scopes import ALL_SCOPES
from shared.api_keys import ApiKey, KeyChanges, KeyNotFoundError, KeyText, hash_secret, make_key, parse_key
from tests.support.builders import NOON
from tests.support.hooks import Hook, do_nothing


class MemoryKeyStore:
    """Keeps keys in memory; implements `KeyStore` with optimistic writes.

    Attributes:
        reads: Number of keys that have been looked up.
        before_ask: Called before every answer; a test may raise an error in it.
        before_write: Called between the read and the write of a change.
    """

    def __init__(self, *keys: ApiKey) -> None:
        self.reads = 0
        self.before_ask: Hook = do_nothing
        self.before_write: Hook = do_nothing
        self._keys = {key.id: key for key in keys}
        self._lock = Lock()

    def add(self, key: ApiKey) -> bool:
        self.before_ask()
        with self._lock:
            return self._keys.setdefault(key.id, key) is key

    def get(self, key_id: str) -> ApiKey | None:
        self.before_ask()
        self.reads += 1
        return self._keys.get(key_id)

    def list(self) -> builtins.list[ApiKey]:
        self.before_ask()
        return sorted(self._keys.values(), key=lambda key: (key.created, key.id))

    def is_empty(self) -> bool:
        return not self.list()

    def change(self, key_id: str, alter: Callable[[ApiKey], ApiKey]) -> ApiKey:
        while True:
            before = self.get(key_id)
            if before is None:
                raise KeyNotFoundError("There is no key of this id.")
            after = alter(before)
            self.before_write()
            with self._lock:
                if self._keys[key_id] is before:
                    self._keys[key_id] = after
                    return after

    def decide(self, decide: Callable[[builtins.list[ApiKey]], KeyChanges]) -> KeyChanges:
        while True:
            before = {key.id: key for key in self.list()}
            changes = decide([*before.values()])
            if not changes.changed and not changes.added:
                return changes
            self.before_write()
            with self._lock:
                as_read = {*changes.relied_on, *(key.id for key in changes.changed)}
                is_current = all(self._keys[key_id] is before[key_id] for key_id in as_read)
                if is_current and not any(key.id in self._keys for key in changes.added):
                    self._keys |= {key.id: key for key in (*changes.changed, *changes.added)}
                    return changes

    def record_use(self, key_id: str, moment: datetime) -> None:
        self.before_ask()
        with self._lock:
            if key_id in self._keys:
                self._keys[key_id] = self._keys[key_id].model_copy(update={"last_used": moment})


def a_key(*tenants: str, **changes: Any) -> tuple[ApiKey, str]:
    """Make a key; return its stored form and its text.

    By default the key is for the tenant `tenant`, has every scope, and was created at noon.
    """
    key, text = make_key("Test key", tenants or ("tenant",), ALL_SCOPES, NOON)
    return key.model_copy(update=changes), str(text)


def key_of_text(text: str, **properties: Any) -> ApiKey:
    """Build the stored form of a key from its text."""
    parsed = parse_key(text)
    assert parsed is not None
    return ApiKey(id=parsed.id, hash=hash_secret(parsed.secret), **properties)


def with_other_secret(text: str) -> str:
    """Return the text of a key with the same id and another secret."""
    parsed = parse_key(text)
    assert parsed is not None
    return str(KeyText(parsed.id, "x" * len(parsed.secret)))
