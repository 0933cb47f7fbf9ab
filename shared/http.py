"""Converts HTTP bodies to models, and models and errors to HTTP responses. No other module does either."""

from __future__ import annotations

import asyncio
import codecs
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

from shared.events import emit
from shared.faults import faults_of
from shared.models import Model
from shared.problems import MAX_FAULTS, Fault, ProblemError, ProblemType
from shared.repeated_names import find_repeated_names
from shared.request_ids import HEADER, current_request, request_id_of, serving

M = TypeVar("M", bound=Model)
H = TypeVar("H", bound=Callable[..., Any])
Describe = Callable[[Exception], ProblemError | None]
"""Turns an expected exception into a problem; returns None for an exception that it does not know."""

MALFORMED_BODY = ProblemType("malformed-body", 400, "The body is not JSON")
INVALID_REQUEST = ProblemType("invalid-request", 400, "The request is not valid")
LENGTH_REQUIRED = ProblemType("length-required", 411, "The request has no length")
BODY_TOO_LARGE = ProblemType("body-too-large", 413, "The body is too large")
UNSUPPORTED_MEDIA_TYPE = ProblemType("unsupported-media-type", 415, "The media type is not supported")
INTERNAL = ProblemType("internal", 500, "The service failed")

_JSON = "application/json"
_PROBLEM = "application/problem+json"
_PLAIN = "identity"
_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def json_response(body: Model, status: int = 200, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """Build a response from a model. It is marked `no-store`, because the body may hold a download link."""
    return func.HttpResponse(
        body.model_dump_json(by_alias=True),
        status_code=status,
        mimetype=_JSON,
        headers={**_NO_STORE, **(headers or {})},
    )


def json_bytes_response(body: bytes) -> func.HttpResponse:
    """Build a response from a stored JSON document, byte for byte."""
    return func.HttpResponse(body, mimetype=_JSON, headers=_NO_STORE)


def not_modified(headers: Mapping[str, str]) -> func.HttpResponse:
    """Build a 304: the caller's copy is current. It needs the caching headers of the 200 (RFC 9110, section 15.4.5)."""
    return func.HttpResponse(status_code=304, headers={**_NO_STORE, **headers})


def problem_response(problem: ProblemError, path: str | None = None, base: str = "") -> func.HttpResponse:
    """Build a response with a problem document."""
    return func.HttpResponse(
        json.dumps(problem.document(path, current_request(), base)),
        status_code=problem.kind.status,
        mimetype=_PROBLEM,
        headers={**_NO_STORE, **problem.headers},
    )


def read_body(req: func.HttpRequest, model: type[M], max_bytes: int) -> M:
    """Parse a JSON body into a model, strictly.

    Types are never converted: a number is not accepted as a string, nor `"true"` as a boolean. No object may have
    the same name twice. A byte order mark, as Windows programs write it, is ignored (RFC 8259, section 8.1).

    Raises:
        ProblemError: 411 if the request has no length, 413 if the body is too large, 415 if it is not announced as
            plain JSON, 400 with one fault for each error if it is not valid.
    """
    body = req.get_body()
    if not body and "content-length" not in req.headers:
        # The Functions host gives a Python worker no body without this header, so a chunked body never arrives.
        detail = (
            "Send the body with a Content-Length header. A body without one, such as a chunked body, is not received."
        )
        raise ProblemError(LENGTH_REQUIRED, detail)
    if len(body) > max_bytes:
        raise ProblemError(BODY_TOO_LARGE, f"Send at most {max_bytes:,} bytes.")
    _require_plain_json(req)
    body = body.removeprefix(codecs.BOM_UTF8)
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
        detail = "Send the body uncompressed and without any other content encoding."
        raise ProblemError(UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept-Encoding": _PLAIN})


def invalid_request(faults: Sequence[Fault]) -> ProblemError:
    """Build the problem for a body that is JSON but not valid. It describes at most `MAX_FAULTS` faults."""
    if len(faults) >= MAX_FAULTS:
        detail = f"{MAX_FAULTS:,} faults or more in the body; the first {MAX_FAULTS:,} are described under errors."
        return ProblemError(INVALID_REQUEST, detail, faults[:MAX_FAULTS])
    count = "One fault" if len(faults) == 1 else f"{len(faults)} faults"
    return ProblemError(INVALID_REQUEST, f"{count} in the body, described under errors.", faults)


def exceptions_to_problems(describe: Describe, base: Callable[[], str] = lambda: "") -> Callable[[H], H]:
    """Decorate an HTTP trigger so that every exception becomes a problem document that shows nothing internal.

    Every answer has the header `x-request-id`, and every problem document the same id as `requestId`.

    Args:
        describe: Gives the problem for an expected exception. Any other exception is logged with an incident number,
            and the caller gets a 500 that names the number.
        base: Returns where the service is reached, for the types of problems; empty: they are relative references.
    """

    def decorate(handler: H) -> H:
        @functools.wraps(handler)
        async def answer_async(req: func.HttpRequest, *args: Any, **kwargs: Any) -> func.HttpResponse:
            with serving(request_id_of(req.headers)):
                try:
                    answer = await cast("Awaitable[func.HttpResponse]", handler(*args, req=req, **kwargs))
                except Exception as error:  # `base` may wait
                    answer = await asyncio.to_thread(_answer, error, describe, req, base)
                return _with_request_id(answer)

        @functools.wraps(handler)
        def answer_sync(req: func.HttpRequest, *args: Any, **kwargs: Any) -> func.HttpResponse:
            with serving(request_id_of(req.headers)):
                try:
                    answer = cast("func.HttpResponse", handler(*args, req=req, **kwargs))
                except Exception as error:
                    answer = _answer(error, describe, req, base)
                return _with_request_id(answer)

        return cast("H", answer_async if inspect.iscoroutinefunction(handler) else answer_sync)

    return decorate


def _with_request_id(answer: func.HttpResponse) -> func.HttpResponse:
    answer.headers[HEADER] = current_request()
    return answer


def _answer(error: Exception, describe: Describe, req: func.HttpRequest, base: Callable[[], str]) -> func.HttpResponse:
    problem = error if isinstance(error, ProblemError) else describe(error)
    if problem is None:
        incident = uuid.uuid4().hex
        emit("request.failed", logging.ERROR, cause=error, error="internal", incident=incident, method=req.method)
        detail = f"Try again; if it fails again, give the people who run the service this number: {incident}."
        problem = ProblemError(INTERNAL, detail)
    return problem_response(problem, urlsplit(req.url).path, base())
