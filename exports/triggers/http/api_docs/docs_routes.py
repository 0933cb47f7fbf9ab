"""HTTP triggers that document the service: the OpenAPI document, and a page that shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

import azure.durable_functions as df
import azure.functions as func

from exports.triggers.http.api_docs.docs_page import content_policy, render_page
from exports.triggers.http.api_docs.openapi import build_document
from exports.triggers.http.cacheable import ETAG, IF_NONE_MATCH, UNCHANGED, cacheable, cacheable_page, html_route
from exports.triggers.http.register import add_open_route
from exports.triggers.http.routes import Reply, Route

OPENAPI = Route(
    name="openapi",
    method="GET",
    path="openapi.json",
    summary="This document, in OpenAPI 3.1",
    scope=None,
    parameters=(IF_NONE_MATCH,),
    replies={
        200: Reply("The document", headers=ETAG, schema={"type": "object", "required": ["openapi", "paths"]}),
        304: UNCHANGED,
    },
)
DOCS = html_route("docs", "docs", "This document as a page to read")
ROUTES = (OPENAPI, DOCS)


def docs_triggers(routes: Sequence[Route]) -> df.Blueprint:
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
        return cacheable(req, document(), "application/json", {"Access-Control-Allow-Origin": "*"})

    def docs(req: func.HttpRequest) -> func.HttpResponse:
        return cacheable_page(req, page(), policy())

    add_open_route(blueprint, OPENAPI, openapi)
    add_open_route(blueprint, DOCS, docs)
    return blueprint
