"""Defines access tokens: the rules for accepting one, the errors of a refused one, and the port that checks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Claims = Mapping[str, Any]
"""What a token says about its holder, by the name of the claim."""

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a private key, which only the issuer has. `none` and the HMAC algorithms are never accepted."""

MAX_TOKEN_CHARACTERS = 16 * 1024


class TokenRefusedError(Exception):
    """The token is not accepted. The text says why in plain words, and quotes nothing of the token."""


class IssuerUnavailableError(Exception):
    """The issuer of tokens has not given its keys, so no token can be checked. A retry can help."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class TokenRules:
    """The tokens that are accepted.

    Attributes:
        issuer: The only issuer, exactly as in the claim `iss`.
        audiences: A token must be meant for one of these.
        algorithms: The accepted signatures, of `ALGORITHMS`.
        leeway_seconds: How far the clocks of issuer and service may differ.
    """

    issuer: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...] = ("RS256",)
    leeway_seconds: int = 60


class TokenVerifier(Protocol):
    """Checks access tokens. Safe to share between threads."""

    def verify(self, text: str) -> Claims:
        """Return the claims of a token.

        Raises:
            TokenRefusedError: The token is not accepted.
            IssuerUnavailableError: The token cannot be checked at the moment.
        """

    def check(self) -> None:
        """Check that tokens can be checked.

        Raises:
            IssuerUnavailableError: The keys of the issuer cannot be had.
        """
