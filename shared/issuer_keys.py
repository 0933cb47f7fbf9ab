"""The public keys of a token issuer: fetched when they are needed, and kept while the issuer does not answer."""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from jwt import PyJWK, PyJWTError

from shared.access_tokens import IssuerUnavailableError
from shared.events import emit

_FRESH_SECONDS = 3600.0
"""How long a key set is used before it is fetched again, so that a withdrawn key is accepted no longer than this."""

_PAUSE_SECONDS = 30.0
"""The minimum time between two fetches. Tokens with invented key ids cannot make the service ask more often."""

_TIMEOUT_SECONDS = 4.0
_MAX_BYTES = 512 * 1024
_FAMILY_OF = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
Fetch = Callable[[str], Any]


class KeySetError(Exception):
    """An answer of the issuer cannot be used. The text says why."""


class _KeySet:
    """The keys of one answer that can check signatures."""

    def __init__(self, document: Any) -> None:
        listed = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            raise KeySetError("the key set has no list of keys")
        self._keys = [key for key in listed if isinstance(key, dict) and _is_usable(key)]
        if not self._keys:
            raise KeySetError("the key set has no public key for signatures")
        self._parsed: dict[tuple[int, str], PyJWK | None] = {}

    def find(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        """Return the key with this id. A token without an id can be checked only if a single key fits."""
        fitting = [key for key in self._keys if _fits(key, algorithm) and key_id in (None, key.get("kid"))]
        if not fitting or (key_id is None and len(fitting) > 1):
            return None
        return self._parse(fitting[0], algorithm)

    def _parse(self, key: dict[str, Any], algorithm: str) -> PyJWK | None:
        place = (id(key), algorithm)
        if place not in self._parsed:
            try:
                self._parsed[place] = PyJWK(key, algorithm)
            except (PyJWTError, ValueError, TypeError, KeyError):
                self._parsed[place] = None
        return self._parsed[place]


class IssuerKeys:
    """The key set of one issuer, for one process. Safe to share between threads."""

    def __init__(
        self,
        issuer: str,
        keys_url: str = "",
        fetch: Fetch | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Name the issuer. Fetches nothing yet.

        Args:
            keys_url: Address of the key set; empty: the discovery document of the issuer names it.
            fetch, now: A test may replace them.
        """
        self._issuer = issuer
        self._keys_url = keys_url
        self._fetch = fetch or fetch_json
        self._now = now
        self._keys: _KeySet | None = None
        self._fetched_at = 0.0
        self._next_try = float("-inf")
        self._fetching = Lock()

    def find(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        """Return the key that checks a token, or None if the issuer publishes no such key.

        Raises:
            IssuerUnavailableError: The issuer has never given its keys, or another request is fetching them.
        """
        found = self._current().find(key_id, algorithm)
        if found is not None or self._now() < self._next_try:
            return found
        if not self._renew(wait_seconds=0):
            raise IssuerUnavailableError("The keys of the token issuer are being fetched.", 1)
        return self._current().find(key_id, algorithm)

    def check(self) -> None:
        """Check that there are keys.

        Raises:
            IssuerUnavailableError: There are none.
        """
        self._current()

    def _current(self) -> _KeySet:
        """Return the key set. An old one is renewed, but kept if the issuer does not answer."""
        keys = self._keys
        if keys is None:
            self._renew(wait_seconds=2 * _TIMEOUT_SECONDS)
        elif self._now() - self._fetched_at >= _FRESH_SECONDS:
            self._renew(wait_seconds=0)
        keys = self._keys
        if keys is None:
            seconds = max(1, round(self._next_try - self._now()))
            raise IssuerUnavailableError("The issuer of access tokens has not given its keys.", seconds)
        return keys

    def _renew(self, wait_seconds: float) -> bool:
        """Fetch the key set, unless it was just tried. Return False if another thread is fetching it."""
        if not self._fetching.acquire(timeout=wait_seconds):
            return False
        try:
            if self._now() >= self._next_try:
                self._next_try = self._now() + _PAUSE_SECONDS
                self._keys, self._fetched_at = _KeySet(self._fetch(self._address())), self._now()
        except (KeySetError, OSError, ValueError, http.client.HTTPException) as error:
            self._next_try = self._now() + _PAUSE_SECONDS
            reason = str(error) if isinstance(error, KeySetError) else type(error).__name__
            emit("tokens.keys_not_fetched", logging.WARNING, error=reason)
        finally:
            self._fetching.release()
        return True

    def _address(self) -> str:
        if self._keys_url:
            return self._keys_url
        document = self._fetch(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if not isinstance(document, dict) or document.get("issuer") != self._issuer:
            raise KeySetError("the discovery document names another issuer")
        address = document.get("jwks_uri")
        if not isinstance(address, str) or urlsplit(address).scheme not in {"https", urlsplit(self._issuer).scheme}:
            raise KeySetError("the discovery document names no https address of keys")
        return address


def fetch_json(address: str) -> Any:
    """Get a JSON document over HTTP. Follows no redirect.

    Raises:
        KeySetError: The answer is not 200, or is too large.
        OSError, http.client.HTTPException, ValueError: There is no answer in time, or it is not JSON.
    """
    document: Future[Any] = Future()
    # A thread of its own: the timeout of a socket begins anew with each byte, and resolving a name has none.
    threading.Thread(target=_fetch_into, args=(document, address), daemon=True).start()
    try:
        return document.result(_TIMEOUT_SECONDS)
    except TimeoutError:
        message = f"the answer was not complete after {_TIMEOUT_SECONDS:g} seconds"
        raise TimeoutError(message) from None


def _fetch_into(document: Future[Any], address: str) -> None:
    try:
        document.set_result(_get_json(address))
    except BaseException as error:
        document.set_exception(error)


def _get_json(address: str) -> Any:
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(address, timeout=_TIMEOUT_SECONDS) as answer:
            body = answer.read(_MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        error.close()
        message = f"the answer was {error.code}"
        raise KeySetError(message) from None
    if len(body) > _MAX_BYTES:
        message = f"an answer is larger than {_MAX_BYTES:,} bytes"
        raise KeySetError(message)
    try:
        return json.loads(body)
    except RecursionError:
        raise KeySetError("an answer is nested too deeply") from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _is_usable(key: Mapping[str, Any]) -> bool:
    """Return whether a key is the public half of a pair, for signatures. A symmetric key could forge tokens."""
    operations = key.get("key_ops", ["verify"])
    for_signatures = key.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations
    return for_signatures and key.get("kty") in _FAMILY_OF.values() and "d" not in key


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    return (key["kty"], key.get("alg", algorithm)) == (_FAMILY_OF[algorithm[:2]], algorithm)
