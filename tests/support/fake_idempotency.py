"""The store of idempotency keys in memory."""

from __future__ import annotations

from exports.request.idempotency import IdempotencyRecord


class MemoryIdempotencyStore:
    """Implements `IdempotencyStore` in a dictionary."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], IdempotencyRecord] = {}

    def find(self, tenant: str, key_hash: str) -> IdempotencyRecord | None:
        return self._records.get((tenant, key_hash))

    def forget(self, record: IdempotencyRecord) -> None:
        self._records.pop((record.tenant, record.key_hash), None)

    def sweep(self, cursor: str, limit: int) -> tuple[list[IdempotencyRecord], str]:
        rest = sorted(each for each in map("|".join, self._records) if each > cursor)
        found = [self._records[tenant, key] for tenant, key in (each.split("|") for each in rest[:limit])]
        return found, rest[limit - 1] if len(rest) > limit else ""

    def claim(self, record: IdempotencyRecord) -> IdempotencyRecord:
        return self._records.setdefault((record.tenant, record.key_hash), record)
