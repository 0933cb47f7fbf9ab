"""HTTP routes: the OpenAPI document, and the same as an HTML document to read."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import azure.functions as func

from exports.triggers.http.api_docs.openapi import build_document
from exports.triggers.http.api_docs.render import content_policy, render_docs
from exports.triggers.http.cacheable import document_response, html_response, html_route
from exports.triggers.http.conditional import ETAG, IF_NONE_MATCH, NOT_MODIFIED
from exports.triggers.http.routes import Api, OpenRoute, Reply

_FOR_ALL_ORIGINS = {"Access-Control-Allow-Origin": "`*`: a page of any origin may read the document"}


def openapi(req: func.HttpRequest, api: Api) -> func.HttpResponse:
    return document_response(req, _document(api), "application/json", dict.fromkeys(_FOR_ALL_ORIGINS, "*"))


def docs(req: func.HttpRequest, api: Api) -> func.HttpResponse:
    return html_response(req, _html(api), _policy())


@cache
def _document(api: Api) -> bytes:
    """Build the document, once in each process, when it is first requested."""
    return json.dumps(build_document(api.routes, api.public_url()), ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _html(api: Api) -> bytes:
    return render_docs(json.loads(_document(api))).encode()


@cache
def _policy() -> str:
    return content_policy()


ROUTES = (
    OpenRoute(
        method="GET",
        path="openapi.json",
        handler=openapi,
        summary="Get this documentation as an OpenAPI 3.1 document",
        parameters=(IF_NONE_MATCH,),
        replies={
            200: Reply("The document", headers=ETAG | _FOR_ALL_ORIGINS, schema={"type": "object"}),
            304: replace(NOT_MODIFIED, headers=ETAG | _FOR_ALL_ORIGINS),
        },
    ),
    html_route(docs, "docs", "Read this documentation in a browser", {}),
)
