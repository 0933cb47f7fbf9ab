"""Steps: list, make, rotate and revoke the API keys of a tenant.

The audit log records each change before it is made, for every tenant of the key. No step gives a caller rights that it
lacks: a key that it makes or rotates has scopes that the caller has itself, for each of the key's tenants. A change
relies on the key of the caller as storage has it: a process that has cached it may accept it for some time after it was
revoked, and whoever holds a leaked key must not make another one in that time.

An answer that shows a new key may be lost, and nothing can show that key again. If the caller repeats such a request
with its idempotency key, the lost key is revoked and another one takes its place.

Every step raises `KeysUnavailableError` or `StorageUnavailableError` when trying again can help.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from exports.errors import (
    ApiKeyNotActiveError,
    ApiKeyRotatedError,
    StorageUnavailableError,
    TooManyApiKeysError,
)
from exports.jobs.audit import AuditAction
from exports.request.idempotency import mark_request
from exports.request.identity import Identity
from exports.request.keys import (
    CreateKeyDto,
    KeyDto,
    NewKeyDto,
    RotatedKeyDto,
    RotateKeyDto,
    show_key,
)
from exports.services import Services
from exports.steps.access.key_audit import KeyAuditLog
from exports.steps.access.key_permissions import (
    find_administered_key,
    ids_of_caller,
    require_scopes,
    require_valid_caller,
)
from exports.steps.access.lockout import remaining_administrators
from exports.steps.access.repeated_requests import lost_keys, text_of_repeatable
from shared.api_keys import (
    ApiKey,
    KeyChanges,
    KeyState,
    make_key,
    new_key_text,
    valid_successor,
)
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


def create_key(
    services: Services, tenant: str, identity: Identity, request: CreateKeyDto, repeatable: str | None = None
) -> NewKeyDto:
    """Make a key for one tenant.

    Args:
        repeatable: The idempotency key, if the caller sent one. A repeat of the request makes another key and revokes
            the one whose answer was lost.

    Raises:
        NotPermittedError: The caller lacks a scope that the key is to have, or uses a key that is no longer valid.
        TooManyApiKeysError: The tenant has `MAX_KEYS` without the lost one. Requests at the same moment may exceed it
            by a few.
        KeyReusedError: The idempotency key belongs to another request, or the key that it made is in use or was
            rotated.
        ApiKeyNotActiveError: The key that the idempotency key made has expired or is revoked.
    """
    now, scopes = services.now(), tuple(dict.fromkeys(scope.value for scope in request.scopes))
    require_scopes(identity, (tenant,), scopes)
    expires = now + timedelta(days=request.valid_days) if request.valid_days else None
    mark = repeatable and mark_request(identity.actor, repeatable, f"create {tenant}", request)
    log = KeyAuditLog(services, identity)
    texts = [new_key_text()]

    def decide(keys: list[ApiKey]) -> KeyChanges:
        require_valid_caller(identity, keys, now)
        if mark:
            texts.append(text_of_repeatable(mark, keys))
        key, _ = make_key(request.name, (tenant,), scopes, now, expires, mark, texts[-1])
        lost = lost_keys(keys, key, now)
        _require_room([each for each in keys if each not in lost], (tenant,), now)
        log.append(AuditAction.KEY_CREATED, key)
        for each in lost:
            log.append(AuditAction.KEY_REVOKED, each)
        return KeyChanges(
            tuple(each.revoke(now) for each in lost), (_with_free_id(key, keys),), ids_of_caller(identity)
        )

    changes = services.keys.store.decide(decide)
    (key,) = changes.added
    emit("key.created", tenant=tenant, key=key.id)
    _tell_revoked(tenant, changes.changed)
    return NewKeyDto(**dict(show_key(key, identity, now)), key=str(texts[-1]))


def rotate_key(
    services: Services,
    tenant: str,
    identity: Identity,
    code: str,
    request: RotateKeyDto,
    repeatable: str | None = None,
) -> RotatedKeyDto:
    """Make a key with the rights and the lifetime of another one, which expires some hours later.

    Both are written together or not at all.

    Args:
        repeatable: The idempotency key, if the caller sent one. A repeat of the request makes another key and revokes
            the one whose answer was lost. The old key keeps the expiry that the first request gave it.

    Raises:
        ApiKeyNotFoundError: No key with this code opens the tenant.
        NotPermittedError: The caller lacks a scope of the key, may not administer the keys of all of its tenants, or
            uses a key that is no longer valid.
        ApiKeyNotActiveError: The key has expired or is revoked, or so has the one that the idempotency key made.
        ApiKeyRotatedError: Another request has rotated the key, and the key that it made is active.
        TooManyApiKeysError, KeyReusedError: As `create_key`.
    """
    now = services.now()
    until = now + timedelta(hours=request.overlap_hours)
    mark = repeatable and mark_request(identity.actor, repeatable, f"rotate {tenant} {code}", request)
    log = KeyAuditLog(services, identity)
    texts = [new_key_text()]

    def decide(keys: list[ApiKey]) -> KeyChanges:
        old = find_administered_key(keys, tenant, identity, code)
        _require_active(old, now)
        require_scopes(identity, old.tenants, old.scopes)
        require_valid_caller(identity, keys, now)
        if mark:
            texts.append(text_of_repeatable(mark, keys))
        key, _ = make_key(old.name, old.tenants, old.scopes, now, old.successor_expires(now), mark, texts[-1])
        lost = lost_keys(keys, key, now)
        others = [each for each in keys if each not in lost]
        _require_room(others, old.tenants, now)
        _require_not_replaced(old, others, now)
        log.append(AuditAction.KEY_ROTATED, old, key.id)
        for each in lost:
            log.append(AuditAction.KEY_REVOKED, each)
        changed = (old.replace(key, until), *(each.revoke(now) for each in lost))
        return KeyChanges(changed, (_with_free_id(key, keys),), ids_of_caller(identity) - {old.id})

    changes = services.keys.store.decide(decide)
    (key,), (old, *revoked) = changes.added, changes.changed
    emit("key.rotated", tenant=tenant, key=old.id)
    _tell_revoked(tenant, revoked)
    shown, replaced = show_key(key, identity, now), show_key(old, identity, now)
    return RotatedKeyDto(**dict(shown), key=str(texts[-1]), replaced=replaced)


def revoke_key(services: Services, tenant: str, identity: Identity, code: str, *, is_confirmed: bool) -> KeyDto:
    """Revoke a key for ever. Does nothing if it is revoked already.

    Requests at the same moment cannot revoke all keys that may administer the keys of a tenant, unless that is
    confirmed: a revocation relies on the keys that remain, which `KeyStore.decide` lets no other request revoke
    meanwhile.

    Raises:
        ApiKeyNotFoundError: No key with this code opens the tenant.
        NotPermittedError: The caller may not administer the keys of all tenants of the key, or uses a key that is no
            longer valid.
        UnconfirmedError: The caller uses this key itself, or no other key may administer the keys of a tenant.
    """
    now = services.now()
    log = KeyAuditLog(services, identity)

    def decide(keys: list[ApiKey]) -> KeyChanges:
        key = find_administered_key(keys, tenant, identity, code)
        if key.revoked is not None:
            return KeyChanges()
        require_valid_caller(identity, keys, now)
        remaining = frozenset[str]() if is_confirmed else remaining_administrators(identity, key, keys, now)
        log.append(AuditAction.KEY_REVOKED, key)
        return KeyChanges((key.revoke(now),), (), (remaining | ids_of_caller(identity)) - {key.id})

    changes = services.keys.store.decide(decide)
    _tell_revoked(tenant, changes.changed)
    key = (
        changes.changed[0]
        if changes.changed
        else find_administered_key(services.keys.store.list(), tenant, identity, code)
    )
    return show_key(key, identity, now)


def _tell_revoked(tenant: str, keys: Iterable[ApiKey]) -> None:
    for key in keys:
        emit("key.revoked", tenant=tenant, key=key.id)


def _require_room(keys: Iterable[ApiKey], tenants: Collection[str], now: datetime) -> None:
    counted = [key for key in keys if key.state(now) is KeyState.ACTIVE or key.created > now - _COUNTED_AFTER]
    if any(sum(tenant in key.tenants for key in counted) >= MAX_KEYS for tenant in tenants):
        message = f"A tenant may have {MAX_KEYS} keys; revoke keys that are no longer used, and try again tomorrow."
        raise TooManyApiKeysError(message)


def _require_active(key: ApiKey, now: datetime) -> None:
    state = key.state(now)
    if state is not KeyState.ACTIVE:
        message = f"This key is {state.value}; make a new one."
        raise ApiKeyNotActiveError(message)


def _require_not_replaced(key: ApiKey, keys: Iterable[ApiKey], now: datetime) -> None:
    successor = valid_successor(key, keys, now)
    if successor is not None:
        message = (
            f"This key was rotated, and the key {successor.id} replaces it. If you have not received that key, rotate "
            "it in turn. A request with an Idempotency-Key can be repeated instead."
        )
        raise ApiKeyRotatedError(message)


def _with_free_id(key: ApiKey, keys: Iterable[ApiKey]) -> ApiKey:
    if any(other.id == key.id for other in keys):  # another key has the same 60 random bits
        raise StorageUnavailableError("The new key could not be stored.")
    return key
