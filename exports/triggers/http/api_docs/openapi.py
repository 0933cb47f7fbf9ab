"""Builds the OpenAPI 3.1 document from the declared routes, their models and the problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from exports import VERSION
from exports.triggers.http.api_docs.advice import ADVICE
from exports.triggers.http.api_docs.examples import EXAMPLES, REPLY_EXAMPLES
from exports.triggers.http.api_docs.openapi_schemas import READ, REFERENCE, WRITTEN, Mode, Schema, make_schemas
from exports.triggers.http.api_docs.openapi_texts import ANY_CODE, CODES, INTRODUCTION, TAGS
from exports.triggers.http.api_docs.openapi_webhooks import WEBHOOKS, add_ended_schema, describe_webhooks
from exports.triggers.http.problems import (
    FORBIDDEN,
    INVALID_API_KEY,
    INVALID_HEADER,
    INVALID_QUERY,
    INVALID_TOKEN,
    PROBLEMS,
    ROUTE_NOT_FOUND,
    TENANT_REQUIRED,
    TOO_MANY_WRONG_KEYS,
    UNAVAILABLE,
)
from exports.triggers.http.routes import TENANT_PREFIX, Parameter, Reply, Route, TenantRoute
from shared.api_keys import TENANT_PATTERN
from shared.faults import MISSPELT_VALUE
from shared.http import (
    BODY_TOO_LARGE,
    INTERNAL,
    INVALID_REQUEST,
    LENGTH_REQUIRED,
    MALFORMED_BODY,
    UNSUPPORTED_MEDIA_TYPE,
)
from shared.models import Model
from shared.problems import Fault, ProblemError, ProblemType
from shared.request_ids import HEADER, PATTERN

Document = dict[str, Any]
References = Mapping[tuple[type[Model], Mode], Schema]

_JSON, _PROBLEM = "application/json", "application/problem+json"
_LICENSE = {"name": "MIT License", "identifier": "MIT"}
_REQUEST_ID_EXAMPLE = "1f0c9b7a5d3e4f2b8a6c0d1e2f3a4b5c"
_REQUEST_ID: Schema = {"type": "string", "pattern": f"^{PATTERN}$"}
_HEADER_SCHEMAS: Mapping[str, Schema] = {
    "Location": {"type": "string", "format": "uri-reference"},
    "Retry-After": {"type": "integer", "minimum": 0},
    "ETag": {"type": "string", "pattern": '^(W/)?"[^"]*"$'},
    HEADER: _REQUEST_ID,
}
_OF_EVERY_ANSWER = {HEADER: "The id of the request: the one that you sent in this header, or a new one"}
_OF_PAGES = {
    "Content-Language": "The language of a page",
    "Vary": "On a page: the request headers that chose it and its language",
}
_OF_TOKENS = {"WWW-Authenticate": "Only for an access token: what is wrong with it (RFC 6750, section 3)"}
_PROBLEM_HEADERS: Mapping[int, Mapping[str, str]] = {
    400: _OF_TOKENS,
    401: {"WWW-Authenticate": "How to send the key or the token"},
    403: _OF_TOKENS,
    415: {"Accept": "The media type that the service accepts", "Accept-Encoding": "The encoding that it accepts"},
    429: {"Retry-After": "Seconds to wait before the next try"},
    503: {"Retry-After": "Seconds to wait before the next try; absent if waiting alone does not help"},
}


def build_document(routes: Sequence[Route], server: str = "") -> Document:
    """Build the document of these routes. The same arguments result in the same document, byte for byte.

    Args:
        server: The address at which callers reach the service; empty: the one that serves the document.
    """
    references, schemas = make_schemas(_models(routes), _stored_models(routes))
    schemas["Problem"] = _problem_schema()
    for name, example in EXAMPLES.items():
        if name in schemas:
            schemas[name]["examples"] = [example]
    add_ended_schema(schemas)
    used: dict[str, Document] = {}
    paths = _paths(routes, references, used)
    webhooks = describe_webhooks(schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "client-export", "version": VERSION, "description": INTRODUCTION, "license": _LICENSE},
        "servers": [{"url": server or "/"}],
        "tags": [
            {"name": name, "description": meaning}
            for _, name, meaning in TAGS
            if any(_tag(route) == name for route in routes)
        ]
        + [WEBHOOKS] * bool(webhooks),
        "paths": paths,
        "webhooks": webhooks,
        "components": {
            "securitySchemes": {
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "Your API key."},
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of the issuer that the service trusts, if there is one.",
                },
            },
            "schemas": dict(sorted(schemas.items())),
            "responses": dict(sorted(used.items())),
        },
    }


def problems_of(route: Route, *, by_tenant: bool) -> tuple[ProblemType, ...]:
    """Return the problems that a form of a route can answer with: its own, and those that its kind of route has."""
    kinds = {*route.problems, INTERNAL}
    if route.needs_caller:
        kinds |= {INVALID_API_KEY, INVALID_TOKEN, TOO_MANY_WRONG_KEYS, INVALID_HEADER, INVALID_QUERY, UNAVAILABLE}
    if route.scope is not None:
        kinds |= {FORBIDDEN} if by_tenant else {FORBIDDEN, TENANT_REQUIRED}
    if route.body is not None:
        kinds |= {MALFORMED_BODY, INVALID_REQUEST, LENGTH_REQUIRED, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE}
    if by_tenant or "{" in route.path:
        kinds |= {ROUTE_NOT_FOUND}
    return tuple(kind for kind in PROBLEMS if kind in kinds)


def _models(routes: Iterable[Route]) -> Iterator[tuple[type[Model], Mode]]:
    yield Fault, WRITTEN
    for route in routes:
        if route.body is not None:
            yield route.body, READ
        for reply in route.replies.values():
            if reply.body is not None:
                yield reply.body, WRITTEN


def _stored_models(routes: Iterable[Route]) -> set[type[Model]]:
    return {reply.body for route in routes for reply in route.replies.values() if reply.body and reply.is_stored}


def _paths(routes: Sequence[Route], references: References, used: dict[str, Document]) -> Document:
    paths: Document = {}
    for route in sorted(routes, key=lambda route: [tag for _, tag, _ in TAGS].index(_tag(route))):
        for name, template in route.forms:
            by_tenant = template.startswith(TENANT_PREFIX)
            item = paths.setdefault(f"/{template}", _path_item(template))
            item[route.method.lower()] = _operation(route, name, by_tenant, references, used)
    return paths


def _path_item(template: str) -> Document:
    parameters = [_path_parameter(name, template) for name in re.findall(r"\{(\w+)\}", template)]
    return {"parameters": parameters} if parameters else {}


def _path_parameter(name: str, template: str) -> Document:
    if name == "tenant":
        pattern, meaning = TENANT_PATTERN, "The tenant whose data is meant; the API key or token must open it"
    else:
        collection = template.removeprefix(TENANT_PREFIX).partition("/{")[0]
        pattern = f"^{CODES.get(collection, ANY_CODE)}$"
        meaning = "The code, from the answer that created or listed it"
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "path", "required": True, "description": meaning, "schema": schema}


def _tag(route: Route) -> str:
    return max((prefix, name) for prefix, name, _ in TAGS if route.path.startswith(prefix))[1]


def _operation(route: Route, name: str, by_tenant: bool, references: References, used: dict[str, Document]) -> Document:
    operation: Document = {
        "operationId": name,
        "summary": route.summary,
        "description": _description(route, by_tenant),
        "tags": [_tag(route)],
        "security": _security(route),
    }
    if route.parameters:
        operation["parameters"] = [_parameter(parameter) for parameter in route.parameters]
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {_JSON: _media(references[route.body, READ])}}
    replies = {str(status): _reply(reply, references, route.name, status) for status, reply in route.replies.items()}
    operation["responses"] = dict(sorted({**_problem_replies(route, by_tenant, used), **replies}.items()))
    return operation


def _security(route: Route) -> list[dict[str, list[str]]]:
    """Return the alternatives of credentials; an open route needs none."""
    scopes = [] if route.scope is None else [route.scope.value]
    return [{"apiKey": scopes}, {"token": scopes}] if route.needs_caller else []


def _description(route: Route, by_tenant: bool) -> str:
    texts = [route.description] if route.description else []
    if route.scope is None:
        need = "Needs a valid API key or access token, with any scope." if route.needs_caller else "Needs no API key."
        return "\n\n".join([*texts, need])
    tenant = "" if by_tenant else " It must open exactly one tenant, which is the tenant of the request."
    return "\n\n".join([*texts, f"Needs an API key or access token with the scope `{route.scope.value}`.{tenant}"])


def _parameter(parameter: Parameter) -> Document:
    schema = dict(parameter.schema)
    return {"name": parameter.name, "in": parameter.location, "description": parameter.description, "schema": schema}


def _media(reference: Schema, operation: str = "", status: int = 0) -> Document:
    name = str(reference.get("$ref", "")).removeprefix(REFERENCE)
    example = REPLY_EXAMPLES.get((operation, status), EXAMPLES.get(name))
    return {"schema": reference} | ({} if example is None else {"example": example})


def _reply(reply: Reply, references: References, operation: str, status: int) -> Document:
    answer: Document = {"description": reply.meaning}
    answer["headers"] = _headers({**reply.headers, **_OF_EVERY_ANSWER})
    if reply.body is not None:
        answer["content"] = {reply.media_type: _media(references[reply.body, WRITTEN], operation, status)}
    elif reply.schema is not None:
        answer["content"] = {reply.media_type: {"schema": dict(reply.schema)}}
    return answer


def _headers(meanings: Mapping[str, str]) -> Document:
    return {
        name: {"description": meaning, "schema": dict(_HEADER_SCHEMAS.get(name, {"type": "string"}))}
        for name, meaning in meanings.items()
    }


# --- problems


def _problem_replies(route: Route, by_tenant: bool, used: dict[str, Document]) -> Document:
    by_status: dict[int, list[ProblemType]] = {}
    for kind in problems_of(route, by_tenant=by_tenant):
        by_status.setdefault(kind.status, []).append(kind)
    replies: Document = {}
    for status, kinds in sorted(by_status.items()):
        name = "Or".join("".join(part.capitalize() for part in kind.code.split("-")) for kind in kinds)
        reply = _problem_reply(status, kinds)
        if isinstance(route, TenantRoute) and route.opens_in_browser:
            name += "AsPage"
            reply["content"]["text/html"] = {"schema": {"type": "string"}}
            reply["headers"] |= _headers(_OF_PAGES)
        used.setdefault(name, reply)
        replies[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return replies


def _problem_reply(status: int, kinds: Sequence[ProblemType]) -> Document:
    """Describe a response. Its schema is the one of all problems: generators make a type of each narrower schema."""
    answer: Document = {
        "description": "; or: ".join(f"{kind.title} (`{kind.code}`)" for kind in kinds),
        "content": {
            _PROBLEM: {
                "schema": {"$ref": f"{REFERENCE}Problem"},
                "examples": {kind.code: {"value": _problem_example(kind)} for kind in kinds},
            }
        },
    }
    answer["headers"] = _headers({**_PROBLEM_HEADERS.get(status, {}), **_OF_EVERY_ANSWER})
    return answer


def _problem_example(kind: ProblemType) -> Document:
    faults = [MISSPELT_VALUE.at("/columnMappings/0/targetField", near="Name")]
    has_faults = kind in (INVALID_REQUEST, MALFORMED_BODY)
    problem = ProblemError(kind, ADVICE.get(kind.code, kind.title), faults if has_faults else ())
    return problem.document("/clients/export/csv", _REQUEST_ID_EXAMPLE)


def _problem_schema() -> Schema:
    string = {"type": "string"}
    return {
        "title": "Problem",
        "type": "object",
        "description": "An error (RFC 9457): what is wrong, and what to change. Programs should use `code`.",
        "required": ["type", "title", "status", "detail", "code", "instance", "requestId"],
        "properties": {
            "type": {
                "type": "string",
                "format": "uri-reference",
                "description": "Link to the documentation of the kind.",
            },
            "title": {**string, "description": "A short text, the same for every problem of this kind."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {**string, "description": "What is wrong in this request, and what to change."},
            "code": {
                **string,
                "description": "Identifies the kind. Each response names its codes; later versions may add some.",
                "x-extensible-enum": sorted(kind.code for kind in PROBLEMS),
            },
            "instance": {"type": "string", "format": "uri-reference", "description": "Path of the request."},
            "requestId": {**_REQUEST_ID, "description": "The id of the request, as in the header `x-request-id`."},
            "errors": {
                "type": "array",
                "items": {"$ref": f"{REFERENCE}Fault"},
                "description": "Every fault in the body.",
            },
        },
    }
