"""Port: the store of idempotency keys."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Protocol

from exports.request.idempotency import IdempotencyRecord

if TYPE_CHECKING:
    pass


class IdempotencyStore(Protocol):
    """Keeps what idempotency keys stand for. Raises `StorageUnavailableError` when trying again can help."""

    def find(self, tenant: str, key_hash: str) -> IdempotencyRecord | None:
        """Look a record up by tenant and hash of the key."""

    def forget(self, record: IdempotencyRecord) -> None:
        """Remove a record, if there is one; the key is free again."""

    def sweep(self, cursor: str, limit: int) -> tuple[builtins.list[IdempotencyRecord], str]:
        """List at most `limit` records of all tenants, going on at a place; and the next place."""

    def claim(self, record: IdempotencyRecord) -> IdempotencyRecord:
        """Add a record and return it; if the tenant's key has one, return that and change nothing."""
