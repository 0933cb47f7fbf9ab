"""Who is calling, and for which tenant."""

from __future__ import annotations

from collections.abc import Sequence

import azure.functions as func

from exports.problems import FORBIDDEN, INVALID_API_KEY, TENANT_REQUIRED
from shared.api_keys import ApiKey, find_key
from shared.problems import ProblemError

_HEADER = "x-api-key"


def tenant_of(req: func.HttpRequest, keys: Sequence[ApiKey]) -> str:
    """Find the tenant a request is for: the one in the path if the key opens it, else the key's only one.

    Raises:
        ProblemError: 401 without a valid key, 403 for a tenant the key does not open, 400 when the path names none
            and the key opens several.
    """
    key = find_key(req.headers.get(_HEADER, ""), keys)
    if key is None:
        challenge = {"WWW-Authenticate": f'ApiKey header="{_HEADER}"'}
        raise ProblemError(INVALID_API_KEY, f"Send your API key in the header {_HEADER}.", headers=challenge)
    named: str | None = req.route_params.get("tenant")
    if named is None:
        return _only_tenant(key)
    if named not in key.tenants:
        raise ProblemError(FORBIDDEN, "This API key does not open that tenant.")
    return named


def _only_tenant(key: ApiKey) -> str:
    if len(key.tenants) > 1:
        detail = "This API key opens several tenants; call /tenants/{tenant}/… instead."
        raise ProblemError(TENANT_REQUIRED, detail)
    return key.tenants[0]
