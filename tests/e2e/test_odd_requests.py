"""Unusual and hostile requests get the documented response, and none of them harms the service."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.test_bad_input import assert_problem
from tests.support.conformance import assert_conforms
from tests.support.http_client import Response, request
from tests.support.leaks import assert_shows_nothing_internal
from tests.support.system import EXPORT, NORTHWIND, NORTHWIND_KEY, System

JOBS = f"/tenants/{NORTHWIND}{EXPORT}"
NO_CLIENTS = {"filter": {"search": "no client is called this"}}
Headers = list[tuple[str, bytes | str]]


def send(system: System, method: str, path: str, body: bytes | None = None, headers: Headers | None = None) -> Response:
    """Send a request exactly as given: the path is not normalized, and a header may be sent several times."""
    connection = http.client.HTTPConnection(urlsplit(system.url).netloc, timeout=60)
    try:
        connection.putrequest(method, path)
        for name, value in [("x-api-key", NORTHWIND_KEY), *(headers or [])]:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("content-type", "application/json")
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        received = connection.getresponse()
        response_headers = {name.lower(): value for name, value in received.getheaders()}
        response = Response(received.status, response_headers, received.read())
    finally:
        connection.close()
    if method != "HEAD":
        assert_conforms(method, system.url + path, response)
        assert_shows_nothing_internal(response)
    return response


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{JOBS}/", 200),
        (JOBS.upper().replace("NORTHWIND", "northwind"), 200),
        ("/tenants/NORTHWIND/clients/export/csv", 403),
        ("/tenants/n%C3%B6rd/clients/export/csv", 403),
        ("/tenants/northwind%2F../clients/export/csv", 403),
        ("/tenants/../clients/export/csv", 403),
        ("/tenants/%00/clients/export/csv", 403),
        ("/tenants/northwind%0A/clients/export/csv", 403),
        ("/tenants//clients/export/csv", 404),
        (f"{JOBS}/..%2f..", 404),
        (f"{JOBS}/a%0Ab", 404),
        (f"{JOBS}/{'7' * 5000}", 404),
        ("/csv-mappings/%00", 404),
        ("/csv-mappings/a%2fb", 404),
        ("/clients/export/schedules/%5c%23%3f", 404),
        (f"{JOBS}?limit={'9' * 4000}", 400),
        (f"{JOBS}?status=Failed,Completed", 400),
        (f"{JOBS}?status=completed", 400),
        (f"{JOBS}?continuationToken=%00", 400),
        (f"{JOBS}?x-api-key=guess", 400),
    ],
)
def test_an_unusual_path_or_query_gets_the_documented_status(system: System, path: str, status: int) -> None:
    assert send(system, "GET", path).status == status


def test_a_chunked_body_is_411_with_advice_because_the_host_does_not_pass_it_on(system: System) -> None:
    response = send(
        system, "POST", JOBS, None, [("content-type", "application/json"), ("transfer-encoding", "chunked")]
    )
    assert_problem(response, 411, "length-required")
    assert "Content-Length" in response.json["detail"]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "PUT"])
def test_an_unsupported_method_is_405_and_names_the_supported_ones(system: System, method: str) -> None:
    response = send(system, method, JOBS)

    assert response.status == 405
    assert response.headers["allow"] == "GET, POST"
    assert bool(response.body) == (method != "HEAD")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[" * 60_000, "malformed-body"),
        (b'{"filter":' * 5_000 + b"{}" + b"}" * 5_000, "malformed-body"),
        (b'{"filter": {"search": "\\ud800"}}', "malformed-body"),
        ("{}".encode("utf-16"), "malformed-body"),
        (b"{} {}", "malformed-body"),
        (b"null", "invalid-request"),
        (b'{"x": NaN}', "invalid-request"),
        (b'{"includeHeaders": 1}', "invalid-request"),
        (b'{"filter": {"updatedSince": 1700000000}}', "invalid-request"),
        (b'{"filter": {"managerCodes": [1, null, "", []]}}', "invalid-request"),
        (b'{"column_mappings": []}', "invalid-request"),
        (b'{"format": {"preset": "Excel"}}', "invalid-request"),
        (b'{"format": {"delimiter": "::"}}', "invalid-request"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_an_unusual_body_is_400(system: System, body: bytes, code: str) -> None:
    assert_problem(send(system, "POST", JOBS, body), 400, code)


def test_a_header_sent_twice_counts_as_one_list(system: System) -> None:
    started = send(system, "POST", JOBS, json.dumps(NO_CLIENTS).encode(), [("prefer", "wait=60"), ("prefer", "wait=0")])
    assert started.status in (201, 202)
    location = urlsplit(started.headers["location"]).path
    system.wait(started.headers["location"])

    etag = send(system, "GET", location).headers["etag"]
    assert send(system, "GET", location, None, [("if-none-match", '"x"'), ("if-none-match", etag)]).status == 304
    assert send(system, "GET", JOBS, None, [("x-api-key", NORTHWIND_KEY)]).status == 401


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("../../etc/passwd", "_.._etc_passwd.csv"),
        ("a\r\nSet-Cookie: b", "a__Set-Cookie_ b.csv"),
        ("CON", "_CON.csv"),
        ("名前.csv", "名前.csv"),
        ("\u202egpj.csv", "_gpj.csv"),
    ],
)
def test_a_hostile_file_name_is_made_safe_and_used_for_the_download(system: System, wanted: str, shown: str) -> None:
    body: dict[str, Any] = {**NO_CLIENTS, "format": {"fileName": wanted}}
    job = system.start_export(body, prefer="wait=60").json

    assert job["fileName"] == shown
    response = request("GET", job["downloadUrl"])
    disposition = response.headers["content-disposition"]
    assert response.status == 200
    assert disposition.startswith("attachment; filename=")
    assert not set("\r\n") & set(disposition)
