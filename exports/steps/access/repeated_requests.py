"""What a repeated request for an API key finds: the key that the request has made before, whose answer was lost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from exports.errors import ApiKeyNotActiveError, KeyReusedError
from exports.request.idempotency import have_same_key
from shared.api_keys import ApiKey, KeyState, KeysUnavailableError, KeyText, new_key_text


def lost_keys(keys: Iterable[ApiKey], new: ApiKey, now: datetime) -> list[ApiKey]:
    """Return the key that the request has made before and nobody has used, or nothing.

    A first request that a proxy delivers after its repeat was answered looks like another repeat.

    Raises:
        KeyReusedError, ApiKeyNotActiveError: The request may not be repeated.
        KeysUnavailableError: This request is older than one that has the same idempotency key and was answered.
    """
    made = _made_by(new.request, keys)
    if not made:
        return []
    last = max(made, key=lambda key: key.created)
    if last.request != new.request:
        raise KeyReusedError("This Idempotency-Key was used for another request; use a new key for a new request.")
    if last.created >= new.created:
        raise KeysUnavailableError("The same request was answered at this moment.")
    if last.state(now) is not KeyState.ACTIVE:
        message = f"The key that this request has made is {last.state(now).value}; use a new Idempotency-Key."
        raise ApiKeyNotActiveError(message)
    if last.replaced_by is not None:
        raise KeyReusedError("The key that this request has made was rotated; use a new Idempotency-Key.")
    if last.last_used is not None:
        raise KeyReusedError("The key that this request has made is in use; use a new Idempotency-Key to make another.")
    return [last]


def _made_by(mark: str | None, keys: Iterable[ApiKey]) -> list[ApiKey]:
    """Return the keys that were made with the same idempotency key."""
    return [key for key in keys if mark and key.request and have_same_key(key.request, mark)]


def text_of_repeatable(mark: str, keys: Iterable[ApiKey]) -> KeyText:
    """Generate the text of a key. Equal requests at the same moment get one id, so only one of them can store it."""
    return new_key_text(f"{mark} {len(_made_by(mark, keys))}")
