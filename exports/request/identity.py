"""Who a caller is and what it may do, whether it has shown an API key or an access token."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from shared.api_keys import TENANT_PATTERN, ApiKey

ANY_TENANT = "*"
"""Stands for every tenant in a grant."""

_TENANT = re.compile(TENANT_PATTERN)


@dataclass(frozen=True, slots=True)
class Grant:
    """Scopes for tenants. The scopes of one grant never apply to the tenants of another."""

    tenants: frozenset[str]
    scopes: frozenset[str]

    def opens(self, tenant: str) -> bool:
        """Return whether the grant is for this tenant."""
        return _TENANT.fullmatch(tenant) is not None and not self.tenants.isdisjoint({tenant, ANY_TENANT})


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller whose credentials are valid.

    Attributes:
        actor: The name of the caller in the audit log: the id of its API key, or `token:` and the subject.
        is_token: Whether the caller has shown an access token; otherwise it was an API key.
        hint: Why there may be fewer grants than the caller expects; empty: there is nothing to say.
        name: The name of the caller for people: the name of its API key, or the claim `name`; None: it is not known.
    """

    actor: str
    is_token: bool
    grants: tuple[Grant, ...]
    hint: str = ""
    name: str | None = None

    @property
    def shown_name(self) -> str:
        """The name of the caller for people, or else its name in the audit log."""
        return self.name or self.actor

    @property
    def credentials(self) -> str:
        """What the caller has shown, for messages."""
        return "access token" if self.is_token else "API key"

    @property
    def tenants(self) -> frozenset[str]:
        """The tenants of all grants; `ANY_TENANT` among them stands for every tenant."""
        return _union(grant.tenants for grant in self.grants)

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of all grants. The caller need not have each of them for each of its tenants."""
        return _union(grant.scopes for grant in self.grants)

    def opens(self, tenant: str) -> bool:
        """Return whether any grant is for this tenant."""
        return any(grant.opens(tenant) for grant in self.grants)

    def scopes_for(self, tenant: str) -> frozenset[str]:
        """Return the scopes of all grants that are for this tenant."""
        return _union(grant.scopes for grant in self.grants if grant.opens(tenant))


def identity_of_key(key: ApiKey) -> Identity:
    """Describe the holder of an API key."""
    grant = Grant(frozenset(key.tenants), frozenset(key.scopes))
    return Identity(actor=key.id, is_token=False, grants=(grant,), name=key.name)


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)
