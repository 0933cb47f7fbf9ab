"""What routes of things that tenants save under a name share: lists by page, entity tags, and conditions on them."""

from __future__ import annotations

from collections.abc import Callable

import azure.functions as func

from exports.triggers.http.problems import PRECONDITION_FAILED
from exports.triggers.http.register import Call, Parameter
from shared.etags import etag_of, may_change
from shared.http import json_response, matches, not_modified
from shared.models import Model
from shared.problems import ProblemError

ETAG = {"ETag": "Changes with what is shown"}
IF_MATCH = Parameter(
    "If-Match", "header", "ETag of what you have seen: 412 if it has changed since", {"type": "string"}
)
IF_NONE_MATCH = Parameter(
    "If-None-Match", "header", "ETag of the answer you have: 304 if it still holds", {"type": "string"}
)
PAGE_OF_LIST = (
    Parameter("limit", "query", "The most items to give", {"type": "integer", "minimum": 1, "maximum": 100}),
    Parameter("continuationToken", "query", "Where to go on, from the list before", {"type": "string"}),
)


def code_of(call: Call) -> str:
    """The code in the path."""
    return str(call.req.route_params["code"])


def created(call: Call, code: str, shown: Model) -> func.HttpResponse:
    """Answer a `POST` to a collection with what it made."""
    return json_response(shown, 201, {"Location": f"{call.url}/{code}", "ETag": etag_of(shown)})


def tagged(shown: Model) -> func.HttpResponse:
    """Answer with what there is now."""
    return json_response(shown, 200, {"ETag": etag_of(shown)})


def unless_seen(call: Call, shown: Model) -> func.HttpResponse:
    """Answer a `GET`: with nothing new, if the caller has seen it."""
    etag = etag_of(shown)
    if matches(call.req.headers.get("if-none-match"), etag):
        return not_modified({"ETag": etag})
    return tagged(shown)


def unchanged_for(call: Call) -> Callable[[Model], None]:
    """Check that something is still what the caller's `If-Match` names."""

    def check(shown: Model) -> None:
        if not may_change(call.req.headers.get("if-match"), etag_of(shown)):
            detail = "It has changed since you read it; read it again and decide anew."
            raise ProblemError(PRECONDITION_FAILED, detail)

    return check
