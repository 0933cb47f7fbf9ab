"""Authorizes a caller: which API key it has, which tenant the request is for, and whether the key allows it."""

from __future__ import annotations

from dataclasses import dataclass

import azure.functions as func

from exports.request.scopes import Scope
from exports.request.spec import SensitiveFields
from exports.steps.requests.give_link import Reader
from exports.triggers.http.problems import FORBIDDEN, INVALID_API_KEY, TENANT_REQUIRED
from shared.api_keys import ApiKey
from shared.key_ring import KeyRing
from shared.problems import ProblemError

_HEADER = "x-api-key"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authorized caller: its API key, and the tenant that the request is for."""

    key: ApiKey
    tenant: str

    @property
    def actor(self) -> str:
        """The name of the caller in the audit log."""
        return self.key.id

    @property
    def sensitive_fields(self) -> SensitiveFields:
        """Whether the exports of this caller may contain sensitive fields."""
        return SensitiveFields.ALLOWED if self.may(Scope.FIELDS_SENSITIVE) else SensitiveFields.REFUSED

    @property
    def reader(self) -> Reader:
        """The caller as a reader of jobs and files."""
        return Reader(self.actor, self.may(Scope.EXPORTS_READ), self.sensitive_fields)

    def may(self, scope: Scope) -> bool:
        """Return whether the key has a scope."""
        return scope.value in self.key.scopes


def authorize(req: func.HttpRequest, keys: KeyRing, scope: Scope) -> Caller:
    """Find the caller by its API key, and check that the key allows the request.

    The tenant is the one in the path, or the only one that the key opens.

    Raises:
        ProblemError: 401 if the key is missing or not valid; 403 if the key does not open the tenant or lacks the
            scope; 400 if the path names no tenant and the key opens several.
        KeysUnavailableError: The keys cannot be read at the moment.
    """
    key = keys.find(req.headers.get(_HEADER, ""))
    if key is None:
        challenge = {"WWW-Authenticate": f'ApiKey header="{_HEADER}"'}
        raise ProblemError(INVALID_API_KEY, f"Send your API key in the header {_HEADER}.", headers=challenge)
    caller = Caller(key, _tenant(req.route_params.get("tenant"), key))
    if not caller.may(scope):
        raise ProblemError(FORBIDDEN, f"This API key lacks the scope {scope.value}.")
    return caller


def _tenant(named: str | None, key: ApiKey) -> str:
    if named is not None:
        if named not in key.tenants:
            raise ProblemError(FORBIDDEN, "This API key does not open that tenant.")
        return named
    if len(key.tenants) > 1:
        detail = "This API key opens several tenants; call /tenants/{tenant}/… instead."
        raise ProblemError(TENANT_REQUIRED, detail)
    return key.tenants[0]
