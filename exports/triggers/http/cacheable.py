"""Documents that change only with the app: clients may keep them, but must revalidate them before each use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

import azure.functions as func

from exports.triggers.http.conditional import ETAG, IF_NONE_MATCH, NOT_MODIFIED
from exports.triggers.http.routes import Api, OpenRoute, Reply
from shared.etags import is_current


def html_route(
    handler: Callable[[func.HttpRequest, Api], func.HttpResponse], path: str, summary: str, headers: Mapping[str, str]
) -> OpenRoute:
    """Declare a route that returns an HTML document. `headers` has the meaning of each of its own headers."""
    described = {**ETAG, **headers}
    return OpenRoute(
        method="GET",
        path=path,
        handler=handler,
        summary=summary,
        parameters=(IF_NONE_MATCH,),
        replies={
            200: Reply("The HTML document", headers=described, media_type="text/html", schema={"type": "string"}),
            304: replace(NOT_MODIFIED, headers=described),
        },
    )


def html_response(req: func.HttpRequest, html: bytes, content_policy: str) -> func.HttpResponse:
    """Build the response with an HTML document and its Content-Security-Policy, or a 304."""
    return document_response(req, html, "text/html", {"Content-Security-Policy": content_policy})


def document_response(
    req: func.HttpRequest, body: bytes, media_type: str, headers: Mapping[str, str]
) -> func.HttpResponse:
    """Build the response with a document, or a 304 if the caller's copy is current."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    all_headers = {"ETag": etag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", **headers}
    if is_current(req.headers.get("if-none-match"), etag):
        return func.HttpResponse(status_code=304, headers=all_headers)
    return func.HttpResponse(body, mimetype=media_type, charset="utf-8", headers=all_headers)
