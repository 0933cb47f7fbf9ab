"""Defines API keys: their text, the stored form, which holds only a salted hash, and the port of the key store."""

from __future__ import annotations

import base64
import builtins
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Protocol, Self

from pydantic import Field, StringConstraints

from shared.models import Model, Moment

_SCHEME = "sha256"
_HASH = re.compile(rf"{_SCHEME}\$(?P<salt>(?:[0-9a-f]{{2}}){{8,64}})\$(?P<digest>[0-9a-f]{{64}})")
_TEXT = re.compile(r"cx_(?P<id>[a-z2-7]{12})_(?P<secret>[A-Za-z0-9_-]{43,128})")
_ID_LENGTH = 12
_SECRET_BYTES = 32
MAX_NAME_CHARACTERS = 100
_UNMATCHABLE_HASH = f"{_SCHEME}${'00' * 16}${'0' * 64}"
"""No secret has this hash. A check of an unknown key compares with it, so it takes as long as for a known key."""

TENANT_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
Tenant = Annotated[str, StringConstraints(pattern=TENANT_PATTERN)]


class KeysUnavailableError(Exception):
    """The key store did not answer, or refused the service. A retry can help."""


class KeyNotFoundError(Exception):
    """There is no key with this id."""


class KeyState(StrEnum):
    """Whether a key is accepted."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class ApiKey(Model):
    """A key in its stored form.

    Attributes:
        id: Part of the key's text; not secret.
        name: Tells people which caller uses the key.
        hash: `sha256$<salt, hex>$<SHA-256 of salt and secret, hex>`. Secrets are long random text, so one round is
            enough.
        tenants: The tenants that the key gives access to. If there is exactly one, routes without a tenant in their
            path use it.
        scopes: The actions that the key permits for these tenants.
        expires: The key is refused from this moment on; None: it never expires.
        revoked: When the key was revoked; None: it was not.
        last_used: Exact to a few minutes.
        replaced_by: The id of the key that a rotation made to replace this one.
        planned_expires: When the key was to expire before a rotation replaced it; None: never, or it was not rotated.
        request: Identifies the request that made the key, if that had an idempotency key.
    """

    id: Annotated[str, StringConstraints(pattern=rf"^[a-z2-7]{{{_ID_LENGTH}}}$")]
    name: Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_CHARACTERS)]
    hash: Annotated[str, StringConstraints(pattern=f"^{_HASH.pattern}$"), Field(repr=False)]
    tenants: Annotated[tuple[Tenant, ...], Field(min_length=1)]
    scopes: tuple[str, ...] = ()
    created: Moment
    expires: Moment | None = None
    revoked: Moment | None = None
    last_used: Moment | None = None
    replaced_by: str | None = None
    planned_expires: Moment | None = None
    request: str | None = None

    def state(self, now: datetime) -> KeyState:
        """Return whether the key is active, expired or revoked at this moment."""
        if self.revoked is not None:
            return KeyState.REVOKED
        return KeyState.EXPIRED if self.expires is not None and now >= self.expires else KeyState.ACTIVE

    def revoke(self, now: datetime) -> Self:
        """Revoke the key. A repeat keeps the first moment."""
        return self.model_copy(update={"revoked": self.revoked or now})

    def replace(self, successor: Self, until: datetime) -> Self:
        """Let the key expire at this moment, unless it does so earlier, because another key replaces it."""
        planned = {"replaced_by": successor.id, "planned_expires": self._planned_expires}
        return self.model_copy(update={**planned, "expires": min(self.expires or until, until)})

    def successor_expires(self, now: datetime) -> datetime | None:
        """Return when a key that is made now expires, if it gets the lifetime of this one; None: never."""
        return self._planned_expires and now + (self._planned_expires - self.created)

    @property
    def _planned_expires(self) -> datetime | None:
        return self.planned_expires if self.replaced_by else self.expires


@dataclass(frozen=True, slots=True)
class KeyText:
    """The text that a caller sends: `cx_<id>_<secret>`."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"cx_{self.id}_{self.secret}"

    def __repr__(self) -> str:
        return f"KeyText({self.id})"


def new_key_text(origin: str | None = None) -> KeyText:
    """Generate the text of a key: an id of 60 bits and a secret of 256 random bits.

    Args:
        origin: The id is derived from this text; None: it is random.
    """
    bits = secrets.token_bytes(8) if origin is None else hashlib.sha256(origin.encode()).digest()
    key_id = base64.b32encode(bits).decode().lower()[:_ID_LENGTH]
    return KeyText(key_id, secrets.token_urlsafe(_SECRET_BYTES))


def parse_key(text: str) -> KeyText | None:
    """Split the text of a key into id and secret; return None if it is malformed."""
    parts = _TEXT.fullmatch(text)
    return parts and KeyText(parts["id"], parts["secret"])


def hash_secret(secret: str) -> str:
    """Hash the secret of a key for storage, with a new salt."""
    salt = secrets.token_bytes(16)
    return f"{_SCHEME}${salt.hex()}${_digest(salt, secret)}"


def secret_matches(secret: str, key: ApiKey | None) -> bool:
    """Return whether this is the key's secret. Takes the same time for a right secret, a wrong one, and no key."""
    parts = _HASH.fullmatch(key.hash if key else _UNMATCHABLE_HASH)
    return parts is not None and hmac.compare_digest(_digest(bytes.fromhex(parts["salt"]), secret), parts["digest"])


def make_key(
    name: str,
    tenants: Sequence[str],
    scopes: Sequence[str],
    created: datetime,
    expires: datetime | None = None,
    request: str | None = None,
    text: KeyText | None = None,
) -> tuple[ApiKey, KeyText]:
    """Make a key.

    Args:
        text: The text of the key; None generates it.

    Returns:
        The form to store, and the text for its owner. The text cannot be recovered later.
    """
    text = text or new_key_text()
    key = ApiKey(
        id=text.id,
        name=name,
        hash=hash_secret(text.secret),
        tenants=tuple(tenants),
        scopes=tuple(scopes),
        created=created,
        expires=expires,
        request=request,
    )
    return key, text


def valid_successor(key: ApiKey, keys: Iterable[ApiKey], now: datetime) -> ApiKey | None:
    """Return the key that has replaced a key, directly or through keys that were rotated in turn.

    Returns:
        The last active key of the chain; None if no key of it is active.
    """
    by_id = {other.id: other for other in keys if other.id != key.id}
    successor, last = by_id.pop(key.replaced_by or "", None), None
    while successor is not None:
        last = successor if successor.state(now) is KeyState.ACTIVE else last
        successor = by_id.pop(successor.replaced_by or "", None)  # no key twice, so a circle ends too
    return last


MAX_KEYS_OF_DECISION = 100
"""How many keys the changes of one decision may name."""


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """What a decision about keys changes. It names at most `MAX_KEYS_OF_DECISION` keys.

    Attributes:
        changed: Stored keys, as they are to be.
        added: New keys.
        relied_on: The ids of other stored keys that must be as they were when the decision was taken.
    """

    changed: tuple[ApiKey, ...] = ()
    added: tuple[ApiKey, ...] = ()
    relied_on: frozenset[str] = frozenset()


class KeyStore(Protocol):
    """Stores API keys by id. Every method raises `KeysUnavailableError` if the store does not answer."""

    def add(self, key: ApiKey) -> bool:
        """Add a new key. Return False, and change nothing, if its id is taken."""

    def get(self, key_id: str) -> ApiKey | None:
        """Return the key with this id, or None."""

    def list(self) -> builtins.list[ApiKey]:
        """Return all keys, oldest first."""

    def is_empty(self) -> bool:
        """Return whether there are no keys at all."""

    def change(self, key_id: str, alter: Callable[[ApiKey], ApiKey]) -> ApiKey:
        """Change a key and return the changed one. `alter` runs again if another writer changed the key meanwhile.

        Raises:
            KeyNotFoundError: There is no key with this id.
        """

    def decide(self, decide: Callable[[builtins.list[ApiKey]], KeyChanges]) -> KeyChanges:
        """Read all keys, decide, and make all changes or none. Return the changes that were made.

        Of two decisions at the same moment, one of which changes a key that the other changes or relies on, one is
        taken after the other: `decide` runs again if a key that it has changed or relied on was written meanwhile, or
        the id of a new one is taken.

        Args:
            decide: Takes all keys, oldest first. What it raises ends the decision, and nothing is changed.
        """

    def record_use(self, key_id: str, moment: datetime) -> None:
        """Record when a key was last used. Does nothing if the key no longer exists."""


def _digest(salt: bytes, secret: str) -> str:
    return hashlib.sha256(salt + secret.encode()).hexdigest()
