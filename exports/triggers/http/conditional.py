"""Conditional requests (RFC 9110, section 13): `If-None-Match` on reads, `If-Match` on changes."""

from __future__ import annotations

from collections.abc import Callable

import azure.functions as func

from exports.triggers.http.problems import PRECONDITION_FAILED
from exports.triggers.http.routes import Call, Parameter, Reply
from shared.etags import etag_of, is_current, may_change
from shared.http import json_response, not_modified
from shared.models import Model
from shared.problems import ProblemError

ETAG = {"ETag": "Changes whenever the content does"}
IF_MATCH = Parameter(
    "If-Match", "header", "`ETag` of the version you have read: 412 if it has changed since", {"type": "string"}
)
IF_NONE_MATCH = Parameter(
    "If-None-Match", "header", "`ETag` of the answer you have: 304 if it is still current", {"type": "string"}
)
NOT_MODIFIED = Reply("Not modified: the answer you have is current", headers=ETAG)


def tagged_response(shown: Model, status: int = 200, headers: dict[str, str] | None = None) -> func.HttpResponse:
    """Build a response with a model and its entity tag."""
    return json_response(shown, status, {**(headers or {}), "ETag": etag_of(shown)})


def response_unless_current(call: Call, shown: Model) -> func.HttpResponse:
    """Build the response to a `GET`: a 304 if the caller's copy is current."""
    etag = etag_of(shown)
    if is_current(call.req.headers.get("if-none-match"), etag):
        return not_modified({"ETag": etag})
    return tagged_response(shown)


def if_match_check(call: Call) -> Callable[[Model], None]:
    """Return a check for the step that changes something: it raises a 412 unless `If-Match` allows the change."""

    def check(shown: Model) -> None:
        if not may_change(call.req.headers.get("if-match"), etag_of(shown)):
            detail = "It has changed since you read it. Read it again, then repeat your change with its new ETag."
            raise ProblemError(PRECONDITION_FAILED, detail)

    return check
