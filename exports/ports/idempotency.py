"""Port: the store of idempotency keys."""

from __future__ import annotations

import builtins
from typing import Protocol

from exports.request.idempotency import IdempotencyRecord


class IdempotencyStore(Protocol):
    """Stores idempotency records. Every method raises `StorageUnavailableError` when a retry can help."""

    def find(self, tenant: str, key_hash: str) -> IdempotencyRecord | None:
        """Look a record up by tenant and hash of the key."""

    def forget(self, record: IdempotencyRecord) -> None:
        """Remove a record, if it exists. The key is then free again."""

    def sweep(self, cursor: str, limit: int) -> tuple[builtins.list[IdempotencyRecord], str]:
        """List at most `limit` records of all tenants after a cursor. Logs and leaves out those that cannot be read.

        Returns:
            The records, and the cursor of the next call; it is empty after the last record.
        """

    def claim(self, record: IdempotencyRecord) -> IdempotencyRecord:
        """Add a record and return it. If the tenant's key has a record, return that one and change nothing."""
