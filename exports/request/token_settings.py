"""Rules for the settings of access tokens. The texts of faults name no value, because it may be a secret."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Annotated, Any, LiteralString
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from exports.request.json_setting import parse_json_setting
from shared.access_tokens import ALGORITHMS

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def read_roles(value: Any) -> Any:
    """Parse the JSON of a mapping of roles or groups; an empty text is an empty mapping."""
    if not isinstance(value, str):
        return value
    parsed, repeated = parse_json_setting(value)
    if parsed is None:
        message: LiteralString = (
            'give one JSON object, such as {"Export.Reader": {"scopes": ["exports:read"], "tenants": ["*"]}}'
        )
        raise PydanticCustomError("roles", message)
    if repeated:
        raise PydanticCustomError("repeated", "name each role, and each property of a role, only once")
    if any(not name or name != name.strip() for name in parsed):
        raise PydanticCustomError("role_name", "give each role a name without white space around it, as in the claim")
    return parsed


def _check_url(url: str) -> str:
    if not url:
        return url
    try:
        parts = urlsplit(url)
        is_local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        has_extras = parts.username is not None or "#" in url or parts.port == 0  # a port that is none raises
        is_good = (parts.scheme == "https" or is_local) and parts.hostname and not has_extras
    except ValueError:
        is_good = False
    if not is_good or not url.isascii() or not url.isprintable() or " " in url:
        raise PydanticCustomError("https_url", "give an https address without a user name or a fragment")
    return url


def _check_algorithm(name: str) -> str:
    if name not in ALGORITHMS:
        known = ", ".join(ALGORITHMS)
        raise PydanticCustomError("algorithm", "choose from {known}; no others are safe here", {"known": known})
    return name


HttpsUrl = Annotated[str, AfterValidator(_check_url)]
"""An https address, or an http address of this machine, or nothing."""

Algorithm = Annotated[str, AfterValidator(_check_algorithm)]
"""The name of a signature algorithm with a private and a public key."""

ClaimName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{0,100}$")]
"""The name of a claim, or nothing."""


ClientId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{0,200}$")]
"""The id of a client at the issuer (RFC 6749, section 2.2), or nothing."""

IssuerScope = Annotated[str, StringConstraints(pattern=r"^[!#-\[\]-~]{1,200}$")]
"""A scope of the issuer (RFC 6749, section 3.3)."""


def explain_token_settings(
    issuer: str, audiences: Sequence[str], grants: Sized, sign_in_client: str = ""
) -> LiteralString:
    """Return what is wrong with settings that depend on each other; empty if nothing is."""
    if sign_in_client and not issuer:
        return "EXPORT_TOKEN_ISSUER: set it, because EXPORT_SIGN_IN_CLIENT_ID is set"
    if issuer and not audiences:
        return "EXPORT_TOKEN_AUDIENCE: set it, because EXPORT_TOKEN_ISSUER is set"
    if issuer and not grants:
        return "EXPORT_TOKEN_ROLES: set it or EXPORT_TOKEN_GROUPS, because no token could do anything without them"
    if not issuer and (audiences or grants):
        return "EXPORT_TOKEN_ISSUER: set it, or remove the other settings of tokens"
    return ""
