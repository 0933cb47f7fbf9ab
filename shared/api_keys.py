"""API keys: only salted hashes are kept, and a key opens only the tenants it is bound to."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.models import Model

_SCHEME = "sha256"
_HASH = re.compile(rf"{_SCHEME}\$(?P<salt>(?:[0-9a-f]{{2}}){{8,64}})\$(?P<digest>[0-9a-f]{{64}})")

Tenant = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


class ApiKey(Model):
    """A key as it is kept.

    Attributes:
        hash: `sha256$<salt, hex>$<SHA-256 of salt and key, hex>`. Keys are long random text, so one round is enough.
        tenants: What the key opens. With exactly one, the short routes mean that tenant.
        scopes: What it may do there.
    """

    hash: Annotated[str, StringConstraints(pattern=f"^{_HASH.pattern}$")]
    tenants: Annotated[tuple[Tenant, ...], Field(min_length=1)]
    scopes: tuple[str, ...] = ()


def new_key() -> str:
    """Make a key of 256 bits of chance."""
    return secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """Hash a key for keeping."""
    salt = secrets.token_bytes(16)
    return f"{_SCHEME}${salt.hex()}${_digest(salt, key)}"


def find_key(presented: str, keys: Iterable[ApiKey]) -> ApiKey | None:
    """Find whose key this is. All keys are compared, each in constant time, so timing tells nothing."""
    found = None
    for key in keys:
        if _matches(presented, key.hash) and found is None:
            found = key
    return found


def _matches(presented: str, hashed: str) -> bool:
    parts = _HASH.fullmatch(hashed)
    return parts is not None and hmac.compare_digest(_digest(bytes.fromhex(parts["salt"]), presented), parts["digest"])


def _digest(salt: bytes, key: str) -> str:
    return hashlib.sha256(salt + key.encode()).hexdigest()
