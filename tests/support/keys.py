"""API keys of tests: a store in memory, and keys made to order."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Any

from exports.request.scopes import ALL_SCOPES
from shared.api_keys import ApiKey, KeyNotFoundError, KeyText, hash_secret, make_key, parse_key
from tests.support.builders import NOON


def _nothing() -> None:
    pass


class MemoryKeyStore:
    """`KeyStore` with optimistic writes.

    Attributes:
        reads: How many keys have been looked up.
        before_ask: Runs before every answer: raise in it.
        before_write: Runs between the reading and the writing of a change.
    """

    def __init__(self, *keys: ApiKey) -> None:
        self.reads = 0
        self.before_ask: Callable[[], None] = _nothing
        self.before_write: Callable[[], None] = _nothing
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

    def record_use(self, key_id: str, moment: datetime) -> None:
        self.before_ask()
        with self._lock:
            if key_id in self._keys:
                self._keys[key_id] = self._keys[key_id].model_copy(update={"last_used": moment})


def a_key(*tenants: str, **changes: Any) -> tuple[ApiKey, str]:
    """A key of `tenant` with every scope, made at noon, unless told otherwise: what is kept of it, and its text."""
    key, text = make_key("somebody", tenants or ("tenant",), ALL_SCOPES, NOON)
    return key.model_copy(update=changes), str(text)


def key_of_text(text: str, **properties: Any) -> ApiKey:
    """What is kept of a key whose text is given."""
    parsed = parse_key(text)
    assert parsed is not None
    return ApiKey(id=parsed.id, hash=hash_secret(parsed.secret), **properties)


def with_other_secret(text: str) -> str:
    """The text of a key, but for its secret."""
    parsed = parse_key(text)
    assert parsed is not None
    return str(KeyText(parsed.id, "x" * len(parsed.secret)))
