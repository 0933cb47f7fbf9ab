"""Steps: list, make, rotate and revoke the API keys of a tenant.

The audit log records each change before it is made, for every tenant of the key. No step gives a caller rights that it
lacks: a key that it makes or rotates has scopes that the caller has itself, for each of the key's tenants. The key of
the caller is read again before a change: a process that has cached it may accept it for some time after it was revoked,
and whoever holds a leaked key must not make another one in that time.

Every step raises `KeysUnavailableError` or `StorageUnavailableError` when trying again can help.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from exports.errors import (
    ApiKeyNotActiveError,
    ApiKeyNotFoundError,
    NotPermittedError,
    StorageUnavailableError,
    TooManyApiKeysError,
    UnconfirmedError,
)
from exports.jobs.audit import AuditAction, AuditEntry
from exports.request.identity import Identity
from exports.request.keys import (
    CreateKeyDto,
    KeyDto,
    NewKeyDto,
    RotatedKeyDto,
    RotateKeyDto,
    administers,
    is_key_code,
    show_key,
)
from exports.request.scopes import Scope
from exports.services import Services
from shared.api_keys import ApiKey, KeyState, make_key
from shared.events import emit
from shared.lists import ListDto, sort_and_cut
from shared.models import rfc3339

MAX_KEYS = 200
"""How many keys a tenant may have over HTTP. Keys that are no longer valid count for a day after they were made."""
_COUNTED_AFTER = timedelta(days=1)


def list_keys(
    services: Services, tenant: str, identity: Identity, limit: int, after: str | None = None
) -> ListDto[KeyDto]:
    """List the keys that open a tenant, oldest first. The list continues after the cursor `after`."""
    now = services.now()
    shown = [show_key(key, identity, now) for key in services.keys.store.list() if tenant in key.tenants]
    return sort_and_cut(shown, lambda key: f"{rfc3339(key.created_date)} {key.code}", limit, after)


def create_key(services: Services, tenant: str, identity: Identity, request: CreateKeyDto) -> NewKeyDto:
    """Make a key for one tenant.

    Raises:
        NotPermittedError: The caller lacks a scope that the key is to have, or uses a key that is no longer valid.
        TooManyApiKeysError: The tenant has `MAX_KEYS`. Requests at the same moment may exceed it by a few.
    """
    now, scopes = services.now(), tuple(dict.fromkeys(scope.value for scope in request.scopes))
    _require_scopes(identity, (tenant,), scopes)
    _require_valid_caller(services, identity, now)
    _require_room(services, (tenant,), now)
    expires = now + timedelta(days=request.valid_days) if request.valid_days else None
    key, text = make_key(request.name, (tenant,), scopes, now, expires)
    _audit(services, AuditAction.KEY_CREATED, identity, key)
    _add(services, key)
    emit("key.created", tenant=tenant, key=key.id)
    return NewKeyDto(**dict(show_key(key, identity, now)), key=str(text))


def rotate_key(services: Services, tenant: str, identity: Identity, code: str, request: RotateKeyDto) -> RotatedKeyDto:
    """Make a key with the rights and the lifetime of another one, which expires some hours later.

    The new key is stored first. If the second write fails, both keys are valid. A key that was rotated before has a
    shorter lifetime than it was made with, and so has its next successor.

    Raises:
        ApiKeyNotFoundError: No key with this code opens the tenant.
        NotPermittedError: The caller lacks a scope of the key, may not administer the keys of all of its tenants, or
            uses a key that is no longer valid.
        ApiKeyNotActiveError: The key has expired or is revoked, perhaps meanwhile.
        TooManyApiKeysError: As `create_key`.
    """
    now = services.now()
    old = _find_own(services, tenant, identity, code)
    _require_active(old, now)
    _require_scopes(identity, old.tenants, old.scopes)
    _require_valid_caller(services, identity, now)
    _require_room(services, old.tenants, now)
    key, text = make_key(old.name, old.tenants, old.scopes, now, old.successor_expires(now))
    _audit(services, AuditAction.KEY_ROTATED, identity, old, key.id)
    _add(services, key)
    until = now + timedelta(hours=request.overlap_hours)
    old = services.keys.store.change(old.id, lambda known: known.expire(until))
    if old.revoked is not None:
        services.keys.store.change(key.id, lambda known: known.revoke(now))
        _require_active(old, now)
    emit("key.rotated", tenant=tenant, key=old.id)
    shown, replaced = show_key(key, identity, now), show_key(old, identity, now)
    return RotatedKeyDto(**dict(shown), key=str(text), replaced=replaced)


def revoke_key(services: Services, tenant: str, identity: Identity, code: str, *, is_confirmed: bool) -> KeyDto:
    """Revoke a key for ever. Does nothing if it is revoked already.

    Raises:
        ApiKeyNotFoundError: No key with this code opens the tenant.
        NotPermittedError: The caller may not administer the keys of all tenants of the key, or uses a key that is no
            longer valid.
        UnconfirmedError: The caller uses this key itself, or no other key may administer the keys of a tenant. Of two
            requests at the same moment, each may count on the key that the other one revokes.
    """
    now = services.now()
    key = _find_own(services, tenant, identity, code)
    if key.revoked is None:
        _require_valid_caller(services, identity, now)
        warning = "" if is_confirmed else _warning(services, identity, key, now)
        if warning:
            message = f"{warning} To revoke it all the same, repeat the request with ?confirm={key.id}."
            raise UnconfirmedError(message)
        _audit(services, AuditAction.KEY_REVOKED, identity, key)
        key = services.keys.store.change(key.id, lambda known: known.revoke(now))
        emit("key.revoked", tenant=tenant, key=key.id)
    return show_key(key, identity, now)


def _find_own(services: Services, tenant: str, identity: Identity, code: str) -> ApiKey:
    """Return a key all of whose tenants the caller administers."""
    key = services.keys.store.get(code) if is_key_code(code) else None
    if key is None or tenant not in key.tenants:
        raise ApiKeyNotFoundError("There is no key with this code.")
    if not all(administers(identity, each) for each in key.tenants):
        message = (
            "This key opens other tenants as well, whose keys you may not administer. "
            "The operator of the service can change it."
        )
        raise NotPermittedError(message)
    return key


def _require_scopes(identity: Identity, tenants: Collection[str], scopes: Collection[str]) -> None:
    for tenant in tenants:
        missing = [scope for scope in scopes if scope not in identity.scopes_for(tenant)]
        if missing:
            message = (
                f"This {identity.credentials} lacks the scope {', '.join(missing)} for {tenant}, "
                "so it cannot give it to a key."
            )
            raise NotPermittedError(message)


def _require_valid_caller(services: Services, identity: Identity, now: datetime) -> None:
    """Refuse a caller whose API key was revoked, or given another expiry, since this process has cached it."""
    own = None if identity.is_token else services.keys.store.get(identity.actor)
    if not identity.is_token and (own is None or own.state(now) is not KeyState.ACTIVE):
        raise NotPermittedError("The API key that you use is no longer valid, so it cannot change keys.")


def _require_room(services: Services, tenants: Collection[str], now: datetime) -> None:
    counted = [
        key
        for key in services.keys.store.list()
        if key.state(now) is KeyState.ACTIVE or key.created > now - _COUNTED_AFTER
    ]
    if any(sum(tenant in key.tenants for key in counted) >= MAX_KEYS for tenant in tenants):
        message = f"A tenant may have {MAX_KEYS} keys; revoke keys that are no longer used, and try again tomorrow."
        raise TooManyApiKeysError(message)


def _require_active(key: ApiKey, now: datetime) -> None:
    state = key.state(now)
    if state is not KeyState.ACTIVE:
        message = f"This key is {state.value}; make a new one."
        raise ApiKeyNotActiveError(message)


def _add(services: Services, key: ApiKey) -> None:
    if not services.keys.store.add(key):  # another key has the same 60 random bits
        raise StorageUnavailableError("The new key could not be stored.")


def _warning(services: Services, identity: Identity, key: ApiKey, now: datetime) -> str:
    """Return why a revocation may lock callers out; empty if it does not."""
    own = "This is the key that you use. " if not identity.is_token and identity.actor == key.id else ""
    orphaned: list[str] = []
    if _can_administer(key, now):
        others = [other for other in services.keys.store.list() if other.id != key.id and _can_administer(other, now)]
        orphaned = [tenant for tenant in key.tenants if not any(tenant in other.tenants for other in others)]
    last = f"No other key may administer the keys of {', '.join(orphaned)}." if orphaned else ""
    return f"{own}{last}".strip()


def _can_administer(key: ApiKey, now: datetime) -> bool:
    return Scope.KEYS_ADMIN.value in key.scopes and key.state(now) is KeyState.ACTIVE


def _audit(
    services: Services, action: AuditAction, identity: Identity, key: ApiKey, new_code: str | None = None
) -> None:
    """Append an entry for each tenant of the key before the change is made, so that no change lacks an entry."""
    for tenant in key.tenants:
        entry = AuditEntry(
            tenant=tenant,
            moment=services.now(),
            action=action,
            actor=identity.actor,
            code=key.id,
            fields=(),
            filter={},
            scopes=key.scopes,
            new_code=new_code,
        )
        services.audit.append(entry)
