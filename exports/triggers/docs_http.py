"""HTTP triggers that document the service: the OpenAPI document, and a page that shows it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache

import azure.durable_functions as df
import azure.functions as func

from exports.api.docs_page import content_policy, render_page
from exports.api.openapi import build_document
from exports.api.routes import Parameter, Reply, Route
from exports.triggers.routes import add_open_route
from shared.http import matches

_IF_NONE_MATCH = Parameter(
    "If-None-Match", "header", "ETag of the answer you have: 304 if it still holds", {"type": "string"}
)
_ETAG = {"ETag": "Changes when the document does"}

OPENAPI = Route(
    name="openapi",
    method="GET",
    path="openapi.json",
    summary="This document, in OpenAPI 3.1",
    scope=None,
    parameters=(_IF_NONE_MATCH,),
    replies={
        200: Reply("The document", headers=_ETAG, schema={"type": "object", "required": ["openapi", "paths"]}),
        304: Reply("Nothing has changed", headers=_ETAG),
    },
)
DOCS = Route(
    name="docs",
    method="GET",
    path="docs",
    summary="This document as a page to read",
    scope=None,
    parameters=(_IF_NONE_MATCH,),
    replies={
        200: Reply("The page", headers=_ETAG, media_type="text/html", schema={"type": "string"}),
        304: Reply("Nothing has changed", headers=_ETAG),
    },
)
ROUTES = (OPENAPI, DOCS)


def docs_http(routes: Sequence[Route]) -> df.Blueprint:
    """Build the HTTP triggers of the documentation of `routes`. Each process renders it once, when first asked."""
    blueprint = df.Blueprint()

    @cache
    def document() -> bytes:
        return json.dumps(build_document(routes), ensure_ascii=False, separators=(",", ":")).encode()

    @cache
    def page() -> bytes:
        return render_page(json.loads(document())).encode()

    @cache
    def policy() -> str:
        return content_policy()

    def openapi(req: func.HttpRequest) -> func.HttpResponse:
        return _cacheable(req, document(), "application/json", {"Access-Control-Allow-Origin": "*"})

    def docs(req: func.HttpRequest) -> func.HttpResponse:
        return _cacheable(req, page(), "text/html", {"Content-Security-Policy": policy()})

    add_open_route(blueprint, OPENAPI, openapi)
    add_open_route(blueprint, DOCS, docs)
    return blueprint


def _cacheable(req: func.HttpRequest, body: bytes, media_type: str, headers: dict[str, str]) -> func.HttpResponse:
    """Answer with what may be kept but has to be asked about each time, or with 304 if the caller has it."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    kept = {"ETag": etag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", **headers}
    if matches(req.headers.get("if-none-match"), etag):
        return func.HttpResponse(status_code=304, headers=kept)
    return func.HttpResponse(body, mimetype=media_type, charset="utf-8", headers=kept)
