"""The HTTP boundary reads bodies strictly and turns every exception into a problem document."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import azure.functions as func
import pytest

from shared.http import exceptions_to_problems, json_response, read_body
from shared.models import Model
from shared.problems import MAX_FAULTS, Fault, ProblemError, ProblemType
from shared.request_ids import current_request
from tests.support.http import JSON, a_request, document

TEAPOT = ProblemType("teapot", 418, "It is a teapot")


class Body(Model):
    tea_leaves: int = 0
    hot: bool = True


def _problem(body: bytes, headers: dict[str, str] | None = None, max_bytes: int = 100) -> ProblemError:
    with pytest.raises(ProblemError) as raised:
        read_body(a_request(body, headers), Body, max_bytes)
    return raised.value


# --- bodies ---


def test_a_body_is_read_into_its_model() -> None:
    assert read_body(a_request(b'{"teaLeaves": 3}'), Body, 100) == Body(tea_leaves=3)


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=utf-8", " application/json "])
def test_a_json_media_type_is_accepted_in_any_spelling(media_type: str) -> None:
    assert read_body(a_request(b"{}", {"Content-Type": media_type}), Body, 100) == Body()


def test_a_byte_order_mark_before_a_body_is_ignored() -> None:
    """PowerShell and Notepad write it; a parser may ignore it (RFC 8259, section 8.1)."""
    assert read_body(a_request(b'\xef\xbb\xbf{"teaLeaves": 3}'), Body, 100) == Body(tea_leaves=3)
    assert _problem(b'\xef\xbb\xbf{"hot": true, "hot": true}').faults[0].pointer == "/hot"


def test_a_body_of_the_maximum_size_is_read() -> None:
    assert read_body(a_request(b"{}" + b" " * 98), Body, 100) == Body()


def test_a_body_over_the_maximum_size_is_refused_with_413() -> None:
    problem = _problem(b"{}" + b" " * 99)
    assert (problem.kind.status, problem.kind.code) == (413, "body-too-large")


@pytest.mark.parametrize("headers", [JSON | {"transfer-encoding": "chunked"}, JSON, {}])
def test_a_request_without_a_length_is_refused_with_411(headers: dict[str, str]) -> None:
    request = func.HttpRequest(method="POST", url="https://host.example/", headers=headers, body=b"")
    with pytest.raises(ProblemError) as raised:
        read_body(request, Body, 100)
    assert (raised.value.kind.status, raised.value.kind.code) == (411, "length-required")


@pytest.mark.parametrize("media_type", ["", "text/json", "text/plain", "application/jsonp", "multipart/form-data"])
def test_a_media_type_other_than_json_is_refused_with_415(media_type: str) -> None:
    problem = _problem(b"{}", {"content-type": media_type})
    assert (problem.kind.status, problem.kind.code) == (415, "unsupported-media-type")


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_a_content_encoding_is_refused_with_415(encoding: str) -> None:
    problem = _problem(b"{}", JSON | {"content-encoding": encoding})
    assert (problem.kind.status, problem.headers) == (415, {"Accept-Encoding": "identity"})


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_the_content_encoding_identity_is_accepted(encoding: str) -> None:
    assert read_body(a_request(b"{}", JSON | {"content-encoding": encoding}), Body, 100) == Body()


def test_a_duplicate_property_is_a_fault_with_its_pointer() -> None:
    assert [fault.pointer for fault in _problem(b'{"hot": true, "hot": false}', JSON).faults] == ["/hot"]


def test_a_missing_media_type_is_refused_with_415() -> None:
    assert _problem(b"{}", {}).kind.status == 415


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{'hot': true}", b"{} {}", b'{"hot": tru}', b'{"a": "\xff"}', b'{"a": "\\ud800"}', b"\xef\xbb{}"],
)
def test_a_body_that_is_not_json_is_malformed(body: bytes) -> None:
    problem = _problem(body)
    assert (problem.kind.status, problem.kind.code) == (400, "malformed-body")
    assert [fault.pointer for fault in problem.faults] == [""]


def test_deep_nesting_is_malformed_rather_than_a_crash() -> None:
    assert _problem(b"[" * 60_000, max_bytes=65_536).kind.status == 400


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"teaLeaves": "3"}', "/teaLeaves"),
        (b'{"teaLeaves": 3.0}', "/teaLeaves"),
        (b'{"hot": "true"}', "/hot"),
        (b'{"hot": 1}', "/hot"),
        (b'{"hot": null}', "/hot"),
        (b'{"tea_leaves": 3}', "/tea_leaves"),
        (b'{"milk": 1}', "/milk"),
        (b"[]", ""),
        (b"null", ""),
    ],
)
def test_a_value_that_does_not_fit_the_model_is_a_fault_with_its_pointer(body: bytes, pointer: str) -> None:
    problem = _problem(body)
    assert (problem.kind.status, problem.kind.code) == (400, "invalid-request")
    assert [fault.pointer for fault in problem.faults] == [pointer]


def test_an_answer_describes_a_thousand_faults_however_many_a_body_has() -> None:
    names = ", ".join(f'"n{number}": 1' for number in range(MAX_FAULTS + 1))
    repeated = ", ".join(['"hot": true'] * (MAX_FAULTS + 2))
    for body in (f"{{{names}}}", f"{{{repeated}}}"):
        problem = _problem(body.encode(), max_bytes=65_536)
        assert len(problem.faults) == MAX_FAULTS
        assert problem.detail == "1,000 faults or more in the body; the first 1,000 are described under errors."


# --- responses ---


def test_a_response_is_json_and_forbids_caching() -> None:
    response = json_response(Body(tea_leaves=3), 201, {"Location": "/x"})
    assert (response.status_code, document(response)) == (201, {"teaLeaves": 3, "hot": True})
    assert response.mimetype == "application/json"
    assert (response.headers["Location"], response.headers["Cache-Control"]) == ("/x", "no-store")


@pytest.mark.parametrize(("sent", "expected"), [("of-the-caller", "of-the-caller"), ("a b", None), (None, None)])
def test_every_answer_has_the_id_of_its_request(sent: str | None, expected: str | None) -> None:
    @exceptions_to_problems(_describe)
    def handle(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(current_request())

    answer = handle(a_request(headers={} if sent is None else {"X-Request-Id": sent}))
    request = answer.headers["x-request-id"]
    assert answer.get_body().decode() == request
    assert request == expected if expected else len(request) == 32
    assert current_request() is None


def _describe(error: Exception) -> ProblemError | None:
    return ProblemError(TEAPOT, "Described.") if isinstance(error, KeyError) else None


def _answer(error: Exception | None, *, is_async: bool) -> func.HttpResponse:
    """Return the response of a trigger whose handler raises `error`."""

    @exceptions_to_problems(_describe)
    def handle(req: func.HttpRequest) -> func.HttpResponse:
        if error:
            raise error
        return func.HttpResponse("fine")

    @exceptions_to_problems(_describe)
    async def handle_async(req: func.HttpRequest) -> func.HttpResponse:
        await asyncio.sleep(0)
        return handle.__wrapped__(req)  # type: ignore[attr-defined, no-any-return]

    return asyncio.run(handle_async(a_request())) if is_async else handle(a_request())


both_kinds = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@both_kinds
def test_the_response_of_a_trigger_is_passed_on(is_async: bool) -> None:
    assert _answer(None, is_async=is_async).get_body() == b"fine"


@both_kinds
def test_a_problem_becomes_its_document(is_async: bool) -> None:
    problem = ProblemError(TEAPOT, "Raised.", [Fault(pointer="/a", detail="Wrong.")], {"Retry-After": "7"})
    response = _answer(problem, is_async=is_async)
    assert (response.status_code, response.mimetype) == (418, "application/problem+json")
    assert (response.headers["Retry-After"], response.headers["Cache-Control"]) == ("7", "no-store")
    request = response.headers["x-request-id"]
    assert document(response) == problem.document("/clients/export/csv", request)


@both_kinds
def test_an_expected_exception_becomes_its_problem(is_async: bool) -> None:
    response = _answer(KeyError("secret"), is_async=is_async)
    assert (response.status_code, document(response)["detail"]) == (418, "Described.")


@both_kinds
def test_an_unexpected_exception_becomes_500_without_its_text(is_async: bool, caplog: pytest.LogCaptureFixture) -> None:
    response = _answer(ValueError("secret"), is_async=is_async)
    assert (response.status_code, document(response)["code"]) == (500, "internal")
    assert b"secret" not in response.get_body()
    assert b"ValueError" not in response.get_body()


def test_an_unexpected_exception_is_logged_with_the_incident_number_of_the_response(
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = _answer(ValueError("secret"), is_async=False)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    incident = record.getMessage().partition("incident=")[2].split()[0]
    assert incident in document(response)["detail"]
    assert record.exc_info is not None


@both_kinds
def test_a_document_names_the_path_without_its_query(is_async: bool) -> None:
    assert document(_answer(ValueError(), is_async=is_async))["instance"] == "/clients/export/csv"


def test_other_arguments_of_a_trigger_are_passed_on() -> None:
    @exceptions_to_problems(_describe)
    def handle(req: func.HttpRequest, client: Any) -> func.HttpResponse:
        return func.HttpResponse(client)

    assert handle(a_request(headers=JSON), client="durable").get_body() == b"durable"
