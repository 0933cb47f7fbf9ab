"""HTTP routes: list, make, rotate and revoke the API keys of a tenant."""

from __future__ import annotations

import azure.functions as func

from exports.request.keys import KEY_CODE_PATTERN, CreateKeyDto, KeyDto, NewKeyDto, RotatedKeyDto, RotateKeyDto
from exports.request.scopes import Scope
from exports.steps.access import administer_keys as steps
from exports.triggers.http.idempotency_key import idempotency_key, parse_idempotency_key
from exports.triggers.http.problems import (
    INVALID_HEADER,
    INVALID_QUERY,
    KEY_NOT_ACTIVE,
    KEY_NOT_FOUND,
    KEY_REUSED,
    KEY_ROTATED,
    NOT_CONFIRMED,
    TOO_MANY_KEYS,
)
from exports.triggers.http.query import LIST_PARAMETERS, parse_list_query, values_of_query
from exports.triggers.http.routes import Call, Parameter, Reply, TenantRoute
from shared.http import json_response
from shared.lists import ListDto
from shared.problems import ProblemError

KEYS = "keys"
_ITEM = KEYS + "/{code}"
_REPEATABLE = idempotency_key(
    "If the answer is lost, repeat the request with the same key: the answer shows another new key, and the lost one "
    "is revoked. Once the new key was used or rotated, and with another body, the answer is a 422. Use a new key "
    "before you hand it on: from then on no repeat can revoke it, not even one that a proxy delivers late"
)


def list_keys(call: Call) -> func.HttpResponse:
    query = parse_list_query(call.req.url)
    return json_response(steps.list_keys(call.services, call.tenant, call.caller.identity, query.limit, query.after))


def create_key(call: Call) -> func.HttpResponse:
    request = call.parse_body(CreateKeyDto)
    repeatable = parse_idempotency_key(call)
    return json_response(steps.create_key(call.services, call.tenant, call.caller.identity, request, repeatable), 201)


def rotate_key(call: Call) -> func.HttpResponse:
    request, repeatable = call.parse_body(RotateKeyDto), parse_idempotency_key(call)
    made = steps.rotate_key(call.services, call.tenant, call.caller.identity, call.code, request, repeatable)
    return json_response(made, 201)


def revoke_key(call: Call) -> func.HttpResponse:
    confirmed = values_of_query(call.req.url, "confirm")
    if any(value != call.code for value in confirmed):
        raise ProblemError(INVALID_QUERY, "confirm must be the code of the key that is to be revoked.")
    key = steps.revoke_key(call.services, call.tenant, call.caller.identity, call.code, is_confirmed=bool(confirmed))
    return json_response(key)


ROUTES = (
    TenantRoute(
        method="GET",
        path=KEYS,
        handler=list_keys,
        summary="List the API keys that open a tenant, oldest first, without their secrets",
        scope=Scope.KEYS_ADMIN,
        parameters=LIST_PARAMETERS,
        replies={200: Reply("One part of the list", ListDto[KeyDto])},
    ),
    TenantRoute(
        method="POST",
        path=KEYS,
        handler=create_key,
        summary="Make an API key for the tenant; the answer is the only one that shows it",
        description="The key gets scopes that you have yourself. Repeating the request without an `Idempotency-Key` "
        "makes another key.",
        scope=Scope.KEYS_ADMIN,
        parameters=(_REPEATABLE,),
        body=CreateKeyDto,
        replies={201: Reply("The new key", NewKeyDto)},
        problems=(INVALID_HEADER, KEY_NOT_ACTIVE, TOO_MANY_KEYS, KEY_REUSED),
    ),
    TenantRoute(
        method="POST",
        path=f"{_ITEM}/rotate",
        handler=rotate_key,
        summary="Replace an API key with a new one with the same rights; the old one stays valid for some hours",
        description="You need each scope of the key, and must administer the keys of all of its tenants. A key can be "
        "rotated once, unless the new one is no longer valid.",
        scope=Scope.KEYS_ADMIN,
        parameters=(_REPEATABLE,),
        body=RotateKeyDto,
        replies={201: Reply("The new key, and the old one", RotatedKeyDto)},
        problems=(INVALID_HEADER, KEY_NOT_FOUND, KEY_NOT_ACTIVE, KEY_ROTATED, TOO_MANY_KEYS, KEY_REUSED),
    ),
    TenantRoute(
        method="DELETE",
        path=_ITEM,
        handler=revoke_key,
        summary="Revoke an API key permanently; this takes effect within a minute",
        description="You must administer the keys of all tenants of the key.",
        scope=Scope.KEYS_ADMIN,
        parameters=(
            Parameter(
                "confirm",
                "query",
                "The code of the key. Needed for the key that you use, for the last one that may administer keys, and "
                "where more than 98 other keys would have to administer its tenants",
                {"type": "string", "pattern": f"^{KEY_CODE_PATTERN}$"},
            ),
        ),
        replies={200: Reply("The key, which is revoked now or was before", KeyDto)},
        problems=(KEY_NOT_FOUND, NOT_CONFIRMED),
    ),
)
