"""API keys: their text, what is kept of them, and the port to where they are kept. Only salted hashes are kept."""

from __future__ import annotations

import base64
import builtins
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field, StringConstraints

from shared.models import Model, Moment

_SCHEME = "sha256"
_HASH = re.compile(rf"{_SCHEME}\$(?P<salt>(?:[0-9a-f]{{2}}){{8,64}})\$(?P<digest>[0-9a-f]{{64}})")
_TEXT = re.compile(r"cx_(?P<id>[a-z2-7]{12})_(?P<secret>[A-Za-z0-9_-]{43,128})")
_ID_LENGTH = 12
_SECRET_BYTES = 32
LONGEST_NAME = 100
_NOBODY = f"{_SCHEME}${'00' * 16}${'0' * 64}"
"""Compared with when there is no such key, so that it takes as long as when there is one. No secret has it."""

TENANT_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
Tenant = Annotated[str, StringConstraints(pattern=TENANT_PATTERN)]


class KeysUnavailableError(Exception):
    """The place where keys are kept did not answer. Trying again can help."""


class KeyNotFoundError(Exception):
    """There is no key of this id."""


class KeyState(StrEnum):
    """Whether a key opens anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class ApiKey(Model):
    """A key as it is kept.

    Attributes:
        id: Part of the key's text, and no secret.
        name: For people: who calls with it.
        hash: `sha256$<salt, hex>$<SHA-256 of salt and secret, hex>`. Secrets are long random text, so one round is
            enough.
        tenants: What the key opens. With exactly one, routes that name no tenant mean that one.
        scopes: What it may do there.
        expires: From then on it opens nothing; None: never.
        revoked: When somebody took it back.
        last_used: Some minutes exact.
    """

    id: Annotated[str, StringConstraints(pattern=rf"^[a-z2-7]{{{_ID_LENGTH}}}$")]
    name: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME)]
    hash: Annotated[str, StringConstraints(pattern=f"^{_HASH.pattern}$"), Field(repr=False)]
    tenants: Annotated[tuple[Tenant, ...], Field(min_length=1)]
    scopes: tuple[str, ...] = ()
    created: Moment
    expires: Moment | None = None
    revoked: Moment | None = None
    last_used: Moment | None = None

    def state(self, now: datetime) -> KeyState:
        """Say whether the key opens anything at this moment."""
        if self.revoked is not None:
            return KeyState.REVOKED
        return KeyState.EXPIRED if self.expires is not None and now >= self.expires else KeyState.ACTIVE


@dataclass(frozen=True, slots=True)
class KeyText:
    """What a caller shows: `cx_<id>_<secret>`."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"cx_{self.id}_{self.secret}"

    def __repr__(self) -> str:
        return f"KeyText({self.id})"


def new_key_text() -> KeyText:
    """Make a key: 60 bits of chance to find it by, 256 to prove it with."""
    key_id = base64.b32encode(secrets.token_bytes(8)).decode().lower()[:_ID_LENGTH]
    return KeyText(key_id, secrets.token_urlsafe(_SECRET_BYTES))


def parse_key(text: str) -> KeyText | None:
    """Read a key; None for what is none."""
    parts = _TEXT.fullmatch(text)
    return parts and KeyText(parts["id"], parts["secret"])


def hash_secret(secret: str) -> str:
    """Hash the secret of a key for keeping."""
    salt = secrets.token_bytes(16)
    return f"{_SCHEME}${salt.hex()}${_digest(salt, secret)}"


def proves(secret: str, key: ApiKey | None) -> bool:
    """Say whether this is the key's secret. Takes as long for a wrong secret as for a right one, and without a key."""
    parts = _HASH.fullmatch(key.hash if key else _NOBODY)
    return parts is not None and hmac.compare_digest(_digest(bytes.fromhex(parts["salt"]), secret), parts["digest"])


def make_key(
    name: str, tenants: Sequence[str], scopes: Sequence[str], created: datetime, expires: datetime | None = None
) -> tuple[ApiKey, KeyText]:
    """Make a new key: what is to be kept of it, and the text for its owner."""
    text = new_key_text()
    key = ApiKey(
        id=text.id,
        name=name,
        hash=hash_secret(text.secret),
        tenants=tuple(tenants),
        scopes=tuple(scopes),
        created=created,
        expires=expires,
    )
    return key, text


class KeyStore(Protocol):
    """Keeps API keys by id. Raises `KeysUnavailableError` when trying again can help."""

    def add(self, key: ApiKey) -> bool:
        """Keep a new key; say whether it was added, or its id is taken."""

    def get(self, key_id: str) -> ApiKey | None:
        """Look a key up by its id."""

    def list(self) -> builtins.list[ApiKey]:
        """Give all keys, the oldest first."""

    def is_empty(self) -> bool:
        """Say whether there is no key at all."""

    def change(self, key_id: str, alter: Callable[[ApiKey], ApiKey]) -> ApiKey:
        """Alter a key, and return it as it is then; `alter` runs again when somebody else was faster.

        Raises:
            KeyNotFoundError: There is no such key.
        """

    def note_use(self, key_id: str, moment: datetime) -> None:
        """Keep when a key was used last. Of a key that is gone nothing is kept."""


def _digest(salt: bytes, secret: str) -> str:
    return hashlib.sha256(salt + secret.encode()).hexdigest()
