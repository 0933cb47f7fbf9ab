"""Warns before a revocation locks callers out of the administration of keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from exports.errors import UnconfirmedError
from exports.request.identity import Identity
from exports.request.scopes import Scope
from shared.api_keys import MAX_KEYS_OF_DECISION, ApiKey, KeyState

MAX_RELIED_ON = MAX_KEYS_OF_DECISION - 2
"""A decision holds as many keys beside the key that is revoked and the one of the caller."""


def remaining_administrators(identity: Identity, key: ApiKey, keys: Iterable[ApiKey], now: datetime) -> frozenset[str]:
    """Return the ids of keys that together may administer the keys of every tenant of a key that is to be revoked.

    Raises:
        UnconfirmedError: The revocation may lock callers out.
    """
    warnings = [] if identity.is_token or identity.actor != key.id else ["This is the key that you use."]
    remaining: set[str] = set()
    orphaned = set(key.tenants) if _can_administer(key, now) else set()
    # A rotated key soon expires, so it is none of the keys that remain.
    others = [each for each in keys if each.id != key.id and each.replaced_by is None and _can_administer(each, now)]
    for other in sorted(others, key=lambda other: len(orphaned.intersection(other.tenants)), reverse=True):
        if not orphaned.isdisjoint(other.tenants):
            remaining.add(other.id)
            orphaned -= {*other.tenants}
    if orphaned:
        named = ", ".join(tenant for tenant in key.tenants if tenant in orphaned)
        warnings.append(f"No other key may administer the keys of {named}.")
    if len(remaining) > MAX_RELIED_ON:
        warnings.append("So many other keys administer its tenants that they cannot all be held meanwhile.")
    if warnings:
        message = f"{' '.join(warnings)} To revoke it anyway, repeat the request with ?confirm={key.id}."
        raise UnconfirmedError(message)
    return frozenset(remaining)


def _can_administer(key: ApiKey, now: datetime) -> bool:
    return Scope.KEYS_ADMIN.value in key.scopes and key.state(now) is KeyState.ACTIVE
