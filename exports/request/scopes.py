"""The scopes of API keys: what a key may allow its holder to do."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """A permission of an API key. The values are a published contract."""

    EXPORTS_READ = "exports:read"
    EXPORTS_WRITE = "exports:write"
    MAPPINGS_WRITE = "mappings:write"
    SCHEDULES_WRITE = "schedules:write"
    FIELDS_SENSITIVE = "fields:sensitive"
    AUDIT_READ = "audit:read"
    KEYS_ADMIN = "keys:admin"


ALL_SCOPES: tuple[str, ...] = tuple(scope.value for scope in Scope)
