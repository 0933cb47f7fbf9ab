"""Answers that may be kept, but have to be asked about each time: documents and pages that change with the app only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import azure.functions as func

from exports.triggers.http.routes import Parameter, Reply, Route
from shared.http import matches

IF_NONE_MATCH = Parameter(
    "If-None-Match", "header", "ETag of the answer you have: 304 if it still holds", {"type": "string"}
)
ETAG = {"ETag": "Changes when the document does"}
UNCHANGED = Reply("Nothing has changed", headers=ETAG)


def html_route(name: str, path: str, summary: str) -> Route:
    """Declare an open route that gives an HTML page."""
    return Route(
        name=name,
        method="GET",
        path=path,
        summary=summary,
        scope=None,
        parameters=(IF_NONE_MATCH,),
        replies={
            200: Reply("The page", headers=ETAG, media_type="text/html", schema={"type": "string"}),
            304: UNCHANGED,
        },
    )


def cacheable_page(req: func.HttpRequest, page: bytes, content_policy: str) -> func.HttpResponse:
    """Answer with a page that may do no more than its policy allows."""
    return cacheable(req, page, "text/html", {"Content-Security-Policy": content_policy})


def cacheable(req: func.HttpRequest, body: bytes, media_type: str, headers: Mapping[str, str]) -> func.HttpResponse:
    """Answer with a document, or with 304 if the caller has it."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    kept = {"ETag": etag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", **headers}
    if matches(req.headers.get("if-none-match"), etag):
        return func.HttpResponse(status_code=304, headers=kept)
    return func.HttpResponse(body, mimetype=media_type, charset="utf-8", headers=kept)
