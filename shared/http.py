"""Between HTTP and models: the only place that writes responses and reads bodies."""

from __future__ import annotations

import functools
import inspect
import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import azure.functions as func
from pydantic import ValidationError

from shared.models import Model
from shared.problems import Fault, ProblemError, ProblemType, faults_of
from shared.repeated_names import find_repeated_names

M = TypeVar("M", bound=Model)
H = TypeVar("H", bound=Callable[..., Any])
Describe = Callable[[Exception], ProblemError | None]
"""Turns an expected exception into a problem; None for what nobody expected."""

MALFORMED_BODY = ProblemType("malformed-body", 400, "The body is not JSON")
INVALID_REQUEST = ProblemType("invalid-request", 400, "The request is not valid")
BODY_TOO_LARGE = ProblemType("body-too-large", 413, "The body is too large")
UNSUPPORTED_MEDIA_TYPE = ProblemType("unsupported-media-type", 415, "The media type is not supported")
INTERNAL = ProblemType("internal", 500, "The service failed")

_JSON = "application/json"
_PROBLEM = "application/problem+json"
_PLAIN = "identity"
_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_log = logging.getLogger(__name__)


def json_response(body: Model, status: int = 200, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """Answer with a model. Never cached: it may hold a link."""
    return func.HttpResponse(
        body.model_dump_json(by_alias=True),
        status_code=status,
        mimetype=_JSON,
        headers={**_NO_STORE, **(headers or {})},
    )


def json_bytes_response(body: bytes, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """Answer with a JSON document as it was stored."""
    return func.HttpResponse(body, mimetype=_JSON, headers={**_NO_STORE, **(headers or {})})


def not_modified(headers: Mapping[str, str]) -> func.HttpResponse:
    """Answer that the caller has what there is; with what a 200 says about keeping it (RFC 9110, section 15.4.5)."""
    return func.HttpResponse(status_code=304, headers={**_NO_STORE, **headers})


def problem_response(problem: ProblemError, path: str | None = None) -> func.HttpResponse:
    """Answer with a problem document."""
    return func.HttpResponse(
        json.dumps(problem.document(path)),
        status_code=problem.kind.status,
        mimetype=_PROBLEM,
        headers={**_NO_STORE, **problem.headers},
    )


def read_body(req: func.HttpRequest, model: type[M], max_bytes: int) -> M:
    """Read a JSON body into a model, strictly: a number is no string, `"true"` is no boolean, no name comes twice.

    Raises:
        ProblemError: 413, 415, or 400 with one fault per error.
    """
    body = req.get_body()
    if len(body) > max_bytes:
        raise ProblemError(BODY_TOO_LARGE, f"Send at most {max_bytes:,} bytes.")
    _require_plain_json(req)
    try:
        read = model.model_validate_json(body, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        if any(fault["type"] == "json_invalid" for fault in errors):
            detail = "Send one JSON object in UTF-8; {} is the smallest."
            raise ProblemError(MALFORMED_BODY, detail, faults_of(errors)) from None
        raise invalid_request(faults_of(errors)) from None
    if repeated := find_repeated_names(body):
        raise invalid_request(repeated)
    return read


def _require_plain_json(req: func.HttpRequest) -> None:
    media_type = req.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _JSON:
        raise ProblemError(UNSUPPORTED_MEDIA_TYPE, f"Send the body as {_JSON}.", headers={"Accept": _JSON})
    if req.headers.get("content-encoding", _PLAIN).strip().lower() not in (_PLAIN, ""):
        detail = "Send the body as it is, neither compressed nor encoded."
        raise ProblemError(UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept-Encoding": _PLAIN})


def matches(if_none_match: str | None, etag: str) -> bool:
    """Say whether an `If-None-Match` header names this entity tag, compared weakly (RFC 9110, section 13.1.2)."""
    named = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return "*" in named or etag.removeprefix("W/") in named


def invalid_request(faults: Sequence[Fault]) -> ProblemError:
    """Build the problem of a body that is JSON but not valid."""
    what = "One fault" if len(faults) == 1 else f"{len(faults)} faults"
    return ProblemError(INVALID_REQUEST, f"{what} in the body, described under errors.", faults)


def answering_problems(describe: Describe) -> Callable[[H], H]:
    """Decorate an HTTP trigger: every exception becomes a problem document, and nothing internal is shown."""

    def decorate(handler: H) -> H:
        @functools.wraps(handler)
        async def answer_async(req: func.HttpRequest, *args: Any, **kwargs: Any) -> func.HttpResponse:
            try:
                return await cast("Awaitable[func.HttpResponse]", handler(*args, req=req, **kwargs))
            except Exception as error:
                return _answer(error, describe, req)

        @functools.wraps(handler)
        def answer(req: func.HttpRequest, *args: Any, **kwargs: Any) -> func.HttpResponse:
            try:
                return cast("func.HttpResponse", handler(*args, req=req, **kwargs))
            except Exception as error:
                return _answer(error, describe, req)

        return cast("H", answer_async if inspect.iscoroutinefunction(handler) else answer)

    return decorate


def _answer(error: Exception, describe: Describe, req: func.HttpRequest) -> func.HttpResponse:
    problem = error if isinstance(error, ProblemError) else describe(error)
    if problem is None:
        incident = uuid.uuid4().hex
        _log.exception("event=request.failed incident=%s method=%s", incident, req.method)
        problem = ProblemError(INTERNAL, f"Try again; if it fails again, tell support this number: {incident}.")
    return problem_response(problem, urlsplit(req.url).path)
