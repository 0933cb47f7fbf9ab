"""What the holder of an access token may do: the mapping of its roles and groups to scopes and tenants."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from exports.request.identity import ANY_TENANT, Grant, Identity
from exports.request.scopes import Scope
from shared.access_tokens import Claims, TokenRefusedError, TokenVerifier
from shared.api_keys import TENANT_PATTERN
from shared.models import Model

_PLAIN_SUBJECT = re.compile(r"[A-Za-z0-9._:|~+/=-]{1,128}")
_HASH_CHARACTERS = 32
_MAX_NAME_CHARACTERS = 100
_TOO_MANY_GROUPS = " The token does not list the groups, because there are too many; give the caller a role instead."


def _check_tenant(name: str) -> str:
    if name != ANY_TENANT and re.fullmatch(TENANT_PATTERN, name) is None:
        message = "give the name of a tenant, as in the paths of the API, or * for every tenant"
        raise PydanticCustomError("tenant", message)
    return name


class RoleGrant(Model):
    """What a role or a group grants.

    Attributes:
        tenants: Names of tenants; `*` stands for every tenant.
    """

    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    tenants: Annotated[tuple[Annotated[str, AfterValidator(_check_tenant)], ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """How the claims of a token become an identity.

    Attributes:
        roles, groups: Grants by the values of the claims `roles` and `groups`.
        tenant_claim: Name of a claim with the only tenants that a token opens; empty: there is no such claim.
        subject_claim: Name of the claim that identifies the caller.
    """

    roles: Mapping[str, RoleGrant]
    groups: Mapping[str, RoleGrant]
    tenant_claim: str = ""
    subject_claim: str = "sub"

    def identify(self, claims: Claims) -> Identity:
        """Describe the holder of a token.

        Raises:
            TokenRefusedError: A claim is missing or is of another type.
        """
        granted = (*_granted(claims, "roles", self.roles), *_granted(claims, "groups", self.groups))
        limit = _texts(claims, self.tenant_claim) if self.tenant_claim else None
        grants = tuple(
            Grant(_tenants(role, limit), frozenset(scope.value for scope in role.scopes)) for role in granted
        )
        hint = _TOO_MANY_GROUPS if self.groups and "groups" not in claims and _lists_groups_elsewhere(claims) else ""
        subject = f"token:{self._subject(claims)}"
        return Identity(subject, is_token=True, grants=grants, hint=hint, name=_name(claims))

    def _subject(self, claims: Claims) -> str:
        """Return the subject as the audit log shows it. Text that may be an e-mail address is shown as its hash."""
        subject = claims.get(self.subject_claim)
        if not isinstance(subject, str) or not subject:
            message = f"The token lacks the claim {self.subject_claim}."
            raise TokenRefusedError(message)
        if _PLAIN_SUBJECT.fullmatch(subject):
            return subject
        digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
        return f"sha256:{digest[:_HASH_CHARACTERS]}"


@dataclass(frozen=True, slots=True)
class TokenAuthenticator:
    """Identifies callers by their access tokens."""

    verifier: TokenVerifier
    access: TokenAccess

    def identify(self, text: str) -> Identity:
        """Return the identity of the holder of a token.

        Raises:
            TokenRefusedError: The token is not accepted.
            IssuerUnavailableError: The token cannot be checked at the moment.
        """
        return self.access.identify(self.verifier.verify(text))


def _name(claims: Claims) -> str | None:
    """Return the name for people (OpenID Connect Core 1.0, section 5.1), cut to a line; None if there is none."""
    name = claims.get("name")
    if not isinstance(name, str):
        return None
    printable = "".join(letter for letter in name if letter.isprintable())
    return printable.strip()[:_MAX_NAME_CHARACTERS].strip() or None


def _granted(claims: Claims, claim: str, mapping: Mapping[str, RoleGrant]) -> Iterator[RoleGrant]:
    if mapping:
        yield from (mapping[value] for value in _texts(claims, claim) if value in mapping)


def _texts(claims: Claims, claim: str) -> tuple[str, ...]:
    """Return the values of a claim that is a text or a list of texts; none if it is missing."""
    value: Any = claims.get(claim, ())
    values = (value,) if isinstance(value, str) else value
    if not isinstance(values, (list, tuple)) or not all(isinstance(item, str) for item in values):
        message = f"The claim {claim} of the token is neither a text nor a list of texts."
        raise TokenRefusedError(message)
    return tuple(dict.fromkeys(values))


def _tenants(role: RoleGrant, limit: tuple[str, ...] | None) -> frozenset[str]:
    """Return the tenants of a role, of which a tenant claim leaves only those that it names."""
    tenants = frozenset(role.tenants)
    if limit is None:
        return tenants
    return frozenset(limit) - {ANY_TENANT} if ANY_TENANT in tenants else tenants & frozenset(limit)


def _lists_groups_elsewhere(claims: Claims) -> bool:
    """Return whether Microsoft Entra ID has replaced the groups by a reference, as it does from 200 groups on."""
    names = claims.get("_claim_names")
    return (isinstance(names, dict) and "groups" in names) or claims.get("hasgroups") is True
