"""Who is calling, for which tenant, and whether that is allowed."""

from __future__ import annotations

from dataclasses import dataclass

import azure.functions as func

from exports.request.scopes import Scope
from exports.request.spec import SensitiveFields
from exports.triggers.http.problems import FORBIDDEN, INVALID_API_KEY, TENANT_REQUIRED
from shared.api_keys import ApiKey
from shared.key_ring import KeyRing
from shared.problems import ProblemError

_HEADER = "x-api-key"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authorised caller: the key it showed, and the tenant the request is for."""

    key: ApiKey
    tenant: str

    @property
    def actor(self) -> str:
        """Who stands in the audit log."""
        return self.key.id

    @property
    def sensitive_fields(self) -> SensitiveFields:
        """What becomes of sensitive fields in this caller's exports."""
        return SensitiveFields.ALLOWED if self.may(Scope.FIELDS_SENSITIVE) else SensitiveFields.REFUSED

    def may(self, scope: Scope) -> bool:
        """Say whether the key has a scope."""
        return scope.value in self.key.scopes


def authorize(req: func.HttpRequest, keys: KeyRing, scope: Scope) -> Caller:
    """Find who is calling and for which tenant: the one in the path if the key opens it, else the key's only one.

    Raises:
        ProblemError: 401 without a valid key, 403 for a tenant the key does not open or a scope it lacks, 400 when the
            path names no tenant and the key opens several.
        KeysUnavailableError: The keys cannot be read now.
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
