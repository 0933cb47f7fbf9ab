"""API keys as callers administer them over HTTP."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from exports.request.identity import Identity
from exports.request.scopes import Scope
from shared.api_keys import MAX_NAME_CHARACTERS, ApiKey
from shared.models import Model, Moment
from shared.named_resources import NAME_SCHEMA, one_line

KEY_CODE_PATTERN = "[0-9a-z]{12}"
_MAX_DAYS, _MAX_OVERLAP_HOURS = 3650, 2160


def _whole_number(value: Any) -> Any:
    """Read `30.0` as 30: a JSON Schema counts it as an integer, and some programs write no other numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class KeyState(StrEnum):
    """Whether a key is accepted."""

    ACTIVE = "Active"
    EXPIRED = "Expired"
    REVOKED = "Revoked"


class CreateKeyDto(Model):
    """The body of `POST …/keys`.

    Attributes:
        name: The caller that will use the key.
        scopes: What the key permits for the tenant. You must have each of them yourself.
        valid_days: The days after which the key expires; null: it never expires.
    """

    name: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARACTERS),
        AfterValidator(one_line),
        Field(json_schema_extra=NAME_SCHEMA),
    ]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)] = (Scope.EXPORTS_READ, Scope.EXPORTS_WRITE)
    valid_days: Annotated[int, Field(ge=1, le=_MAX_DAYS), BeforeValidator(_whole_number)] | None = None


class RotateKeyDto(Model):
    """The body of `POST …/keys/{code}/rotate`.

    Attributes:
        overlap_hours: The hours for which the old key stays valid. It is at least one, so that a lost answer locks
            nobody out; to end a leaked key at once, revoke it.
    """

    overlap_hours: Annotated[int, Field(ge=1, le=_MAX_OVERLAP_HOURS), BeforeValidator(_whole_number)] = 168


class KeyDto(Model):
    """An API key, without its secret and without the hash of it.

    Attributes:
        code: The middle part of the key. It is not secret.
        tenants: The tenants that the key opens, of those whose keys you may administer.
        other_tenants: Whether the key opens other tenants as well. Then you can neither rotate nor revoke it.
        last_used_date: Exact to some minutes; null: never.
    """

    code: str
    name: str
    tenants: tuple[str, ...]
    other_tenants: bool
    scopes: tuple[str, ...]
    state: KeyState
    created_date: Moment
    expiry_date: Moment | None
    revoked_date: Moment | None
    last_used_date: Moment | None


class NewKeyDto(KeyDto):
    """A new API key.

    Attributes:
        key: The key, as it is sent in `x-api-key`. It is shown only here; the service stores a hash.
    """

    key: Annotated[str, Field(repr=False)]


class RotatedKeyDto(NewKeyDto):
    """A new API key with the rights of an old one.

    Attributes:
        replaced: The old key, which expires at its `expiryDate`.
    """

    replaced: KeyDto


def administers(identity: Identity, tenant: str) -> bool:
    """Return whether a caller may administer the keys of a tenant."""
    return Scope.KEYS_ADMIN.value in identity.scopes_for(tenant)


def show_key(key: ApiKey, identity: Identity, now: datetime) -> KeyDto:
    """Show a key to a caller. It learns nothing about tenants whose keys it may not administer."""
    return KeyDto(
        code=key.id,
        name=key.name,
        tenants=tuple(tenant for tenant in key.tenants if administers(identity, tenant)),
        other_tenants=not all(administers(identity, tenant) for tenant in key.tenants),
        scopes=key.scopes,
        state=KeyState(key.state(now).value.capitalize()),
        created_date=key.created,
        expiry_date=key.expires,
        revoked_date=key.revoked,
        last_used_date=key.last_used,
    )
