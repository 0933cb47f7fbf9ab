"""What a caller may do with API keys: which ones it may change, and which rights it may give to a key."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from exports.errors import ApiKeyNotFoundError, NotPermittedError
from exports.request.identity import Identity
from exports.request.keys import administers
from shared.api_keys import ApiKey, KeyState


def find_administered_key(keys: Iterable[ApiKey], tenant: str, identity: Identity, code: str) -> ApiKey:
    """Return a key that opens the tenant, and all of whose tenants the caller administers.

    Raises:
        ApiKeyNotFoundError: No key with this code opens the tenant.
        NotPermittedError: The caller may not administer the keys of all of its tenants.
    """
    key = next((key for key in keys if key.id == code), None)
    if key is None or tenant not in key.tenants:
        raise ApiKeyNotFoundError("There is no key with this code.")
    if not all(administers(identity, each) for each in key.tenants):
        message = (
            "This key opens other tenants as well, whose keys you may not administer. "
            "The people who run the service can change it."
        )
        raise NotPermittedError(message)
    return key


def require_scopes(identity: Identity, tenants: Collection[str], scopes: Collection[str]) -> None:
    """Refuse to give a key scopes that the caller lacks for one of the key's tenants.

    Raises:
        NotPermittedError: Names the scopes and the tenant.
    """
    for tenant in tenants:
        missing = [scope for scope in scopes if scope not in identity.scopes_for(tenant)]
        if missing:
            message = (
                f"This {identity.credentials} lacks the scope {', '.join(missing)} for {tenant}, "
                "so it cannot give it to a key."
            )
            raise NotPermittedError(message)


def require_valid_caller(identity: Identity, keys: Iterable[ApiKey], now: datetime) -> None:
    """Refuse a caller whose API key was revoked, or given another expiry, since this process has cached it.

    Args:
        keys: All keys, as storage has them.

    Raises:
        NotPermittedError: The key is no longer valid.
    """
    is_valid = any(key.id == identity.actor and key.state(now) is KeyState.ACTIVE for key in keys)
    if not identity.is_token and not is_valid:
        raise NotPermittedError("The API key that you use is no longer valid, so it cannot change keys.")


def ids_of_caller(identity: Identity) -> frozenset[str]:
    """Return the id of the API key of the caller, or none: nobody may revoke it while it changes keys."""
    return frozenset[str]() if identity.is_token else frozenset({identity.actor})
