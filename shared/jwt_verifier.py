"""Checks access tokens in the form of signed JSON Web Tokens (RFC 7519), by the rules of RFC 8725."""

from __future__ import annotations

import re
from typing import Any

import jwt

from shared.access_tokens import MAX_TOKEN_CHARACTERS, Claims, TokenRefusedError, TokenRules
from shared.issuer_keys import IssuerKeys
from shared.repeated_names import find_repeated_names

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_UNREADABLE = "The token is not a signed JSON Web Token of three parts."
_MALFORMED = "The token is not a signed JSON Web Token, or one of its headers or claims has the wrong type."
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "The token has expired; get a new one."),
    (jwt.ImmatureSignatureError, "The token is not valid yet; check the clocks."),
    (jwt.InvalidIssuerError, "The token comes from another issuer than the one that this service trusts."),
    (jwt.InvalidAudienceError, "The token is meant for another service; ask the issuer for one with our audience."),
    (jwt.InvalidSignatureError, "The signature of the token is wrong."),
    (jwt.InvalidKeyError, "The issuer signs with a key that is too short."),
)
_FAILURES = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


class JwtVerifier:
    """Implements `shared.access_tokens.TokenVerifier` for one issuer."""

    def __init__(self, rules: TokenRules, keys: IssuerKeys) -> None:
        self._rules = rules
        self._keys = keys

    def verify(self, text: str) -> Claims:
        """See `TokenVerifier.verify`. Addresses and keys inside the token (`jku`, `x5u`, `jwk`) are never used."""
        if len(text) > MAX_TOKEN_CHARACTERS:
            message = f"The token is longer than {MAX_TOKEN_CHARACTERS:,} characters."
            raise TokenRefusedError(message)
        if not _FORM.fullmatch(text):
            raise TokenRefusedError(_UNREADABLE)
        try:
            return self._claims(text)
        except jwt.MissingRequiredClaimError as error:
            message = f"The token lacks the claim {error.claim}."
            raise TokenRefusedError(message) from None
        except _FAILURES as error:
            raise TokenRefusedError(_reason(error)) from None

    def check(self) -> None:
        """See `TokenVerifier.check`."""
        self._keys.check()

    def _claims(self, text: str) -> Claims:
        header = jwt.get_unverified_header(text)
        algorithm = header.get("alg")
        if algorithm not in self._rules.algorithms:
            message = f"The token must be signed by one of these algorithms: {', '.join(self._rules.algorithms)}."
            raise TokenRefusedError(message)
        key = self._keys.find(header.get("kid"), algorithm)
        if key is None:
            raise TokenRefusedError("The issuer publishes no key that can check this token.")
        claims: dict[str, Any] = jwt.decode(
            text,
            key,
            algorithms=[algorithm],
            audience=self._rules.audiences,
            issuer=self._rules.issuer,
            leeway=self._rules.leeway_seconds,
            options={"require": ["iss", "aud", "exp"], "enforce_minimum_key_length": True},
        )
        _refuse_repeated_names(text)
        return claims


def _refuse_repeated_names(text: str) -> None:
    for part in text.split(".")[:2]:
        if find_repeated_names(jwt.utils.base64url_decode(part)):
            raise TokenRefusedError("The token has the same claim twice.")


def _reason(error: Exception) -> str:
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), _MALFORMED)
