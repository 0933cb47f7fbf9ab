"""Every kind of invalid input gets the right status and an explanation of what to change."""

from __future__ import annotations

import gzip
import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.http_client import Response
from tests.support.keys import with_other_secret
from tests.support.system import EXPORT, HARBOUR, KEY, NORTHWIND, NORTHWIND_KEY, System

ONE_COLUMN = {"csvHeader": "Name", "targetField": "Name"}


def assert_problem(response: Response, status: int, code: str) -> dict[str, Any]:
    document: dict[str, Any] = response.json
    assert response.headers["content-type"] == "application/problem+json"
    assert response.status == status
    assert document["status"] == status
    assert document["code"] == code
    assert document.keys() >= {"type", "title", "detail", "instance"}
    return document


@pytest.mark.parametrize(
    ("body", "pointer", "hint"),
    [
        ({"columns": []}, "/columns", "correct its spelling"),
        ({"filter": {"status": ["Active"]}}, "/filter/status", "correct its spelling"),
        ({"columnMappings": []}, "/columnMappings", "must not be empty"),
        ({"columnMappings": [ONE_COLUMN | {"targetField": "Nmae"}]}, "/columnMappings/0/targetField", "Name"),
        ({"columnMappings": [{"targetField": "Name"}]}, "/columnMappings/0/csvHeader", "required"),
        (
            {"columnMappings": [ONE_COLUMN, ONE_COLUMN | {"targetField": "Code"}]},
            "/columnMappings/1/csvHeader",
            "already used by column 1",
        ),
        (
            {"columnMappings": [ONE_COLUMN, ONE_COLUMN | {"csvHeader": "Again"}]},
            "/columnMappings/1/targetField",
            "already used by column 1",
        ),
        ({"columnMappings": [ONE_COLUMN], "mappingCode": "mine"}, "", "not both"),
        ({"mappingCode": "no-such-mapping"}, "/mappingCode", "no mapping"),
        ({"includeHeaders": "true"}, "/includeHeaders", "true or false"),
        ({"columnMappings": "Name"}, "/columnMappings", "array"),
        ({"filter": {"statuses": ["Dormant"]}}, "/filter/statuses/0", "Active"),
        ({"filter": {"managerCodes": "M01"}}, "/filter/managerCodes", "array"),
        ({"filter": {"updatedSince": "yesterday"}}, "/filter/updatedSince", "date and time"),
        ({"filter": {"updatedSince": "2026-01-31T09:00:00"}}, "/filter/updatedSince", "offset"),
        ([], "", "object"),
    ],
)
def test_an_invalid_body_is_400_with_a_pointer_to_each_fault(
    system: System, body: object, pointer: str, hint: str
) -> None:
    response = system.call("POST", f"/tenants/{NORTHWIND}{EXPORT}", body)

    faults = assert_problem(response, 400, "invalid-request")["errors"]
    assert pointer in [fault["pointer"] for fault in faults]
    assert any(hint in fault["detail"] for fault in faults if fault["pointer"] == pointer)


def test_all_faults_of_a_body_are_named_at_once(system: System) -> None:
    body = {"includeHeaders": 1, "nonsense": 2, "filter": {"types": ["Club"]}}
    response = system.call("POST", f"/tenants/{NORTHWIND}{EXPORT}", body)

    faults = assert_problem(response, 400, "invalid-request")["errors"]
    assert {fault["pointer"] for fault in faults} == {"/includeHeaders", "/nonsense", "/filter/types/0"}


@pytest.mark.parametrize("body", [b"", b"{", b"{'a': 1}", b'{"a": \xff}', b"nothing"])
def test_a_body_that_is_not_json_is_400(system: System, body: bytes) -> None:
    assert_problem(system.call("POST", f"/tenants/{NORTHWIND}{EXPORT}", body), 400, "malformed-body")


def test_a_body_over_64_kib_is_413(system: System) -> None:
    body = b'{"filter":{"search":"' + b"x" * (64 * 1024) + b'"}}'

    assert_problem(system.call("POST", f"/tenants/{NORTHWIND}{EXPORT}", body), 413, "body-too-large")


def test_a_body_of_exactly_64_kib_is_accepted(system: System) -> None:
    codes = [f"{number:0100d}" for number in range(630)]
    body = json.dumps({"filter": {"managerCodes": codes}}, separators=(",", ":")).encode()
    body += b" " * (64 * 1024 - len(body))

    assert system.call("POST", f"/tenants/{HARBOUR}{EXPORT}", body).json["totalItems"] == 0


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, identity"])
def test_an_encoded_body_is_415_and_names_the_accepted_encoding(system: System, encoding: str) -> None:
    response = system.call("POST", f"/tenants/{NORTHWIND}{EXPORT}", gzip.compress(b"{}"), content_encoding=encoding)

    assert_problem(response, 415, "unsupported-media-type")
    assert response.headers["accept-encoding"] == "identity"


def test_a_duplicate_property_is_400_with_its_pointer(system: System) -> None:
    body = b'{"filter": {"statuses": ["Active"], "search": "a", "statuses": []}, "includeHeaders": true}'
    response = system.call("POST", f"/tenants/{NORTHWIND}{EXPORT}", body)

    faults = assert_problem(response, 400, "invalid-request")["errors"]
    assert [fault["pointer"] for fault in faults] == ["/filter/statuses"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_a_media_type_other_than_json_is_415(system: System, media_type: str) -> None:
    response = system.call("POST", f"/tenants/{NORTHWIND}{EXPORT}", b"{}", content_type=media_type)

    assert_problem(response, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", EXPORT, "GET, POST"),
        ("DELETE", f"/tenants/{NORTHWIND}{EXPORT}", "GET, POST"),
        ("POST", f"{EXPORT}/7ybqttn9kg0pf1x6vfw644k23d", "DELETE, GET"),
        ("POST", "/health", "GET"),
        ("POST", "/", "GET"),
        ("GET", f"{EXPORT}/estimate", "POST"),
        ("DELETE", f"/tenants/{NORTHWIND}{EXPORT}/estimate", "POST"),
    ],
)
def test_a_wrong_method_is_405_and_names_the_allowed_ones(system: System, method: str, path: str, allowed: str) -> None:
    response = system.call(method, path, {})

    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/clients", "/clients/export", "/tenants/northwind", "/admin.php"])
def test_an_unknown_path_is_404(system: System, path: str) -> None:
    assert_problem(system.call("GET", path), 404, "route-not-found")


@pytest.mark.parametrize("code", ["7ybqttn9kg0pf1x6vfw644k23d", "x", "..", "' or 1 eq 1", "%00", "7YBQ" * 100])
def test_an_unknown_code_is_404(system: System, code: str) -> None:
    assert system.call("GET", f"/tenants/{NORTHWIND}{EXPORT}/{quote(code, safe='')}").status == 404


@pytest.mark.parametrize("key", [None, "", "wrong", KEY[:-1], with_other_secret(KEY)])
def test_a_missing_or_wrong_key_is_401_for_every_request(system: System, key: str | None) -> None:
    for method, path in (("POST", EXPORT), ("POST", f"/tenants/{NORTHWIND}{EXPORT}"), ("GET", f"{EXPORT}/x")):
        response = system.call(method, path, {} if method == "POST" else None, key=key)
        document = assert_problem(response, 401, "invalid-api-key")
        assert document["title"] == "Invalid or missing API key"


def test_a_valid_key_without_access_to_the_tenant_is_403(system: System) -> None:
    for tenant in (HARBOUR, "no-such-tenant"):
        response = system.call("POST", f"/tenants/{tenant}{EXPORT}", {}, key=NORTHWIND_KEY)
        assert_problem(response, 403, "forbidden")


def test_the_short_route_with_a_key_of_several_tenants_is_400_and_names_the_long_one(system: System) -> None:
    response = system.call("POST", EXPORT, {})

    assert "/tenants/{tenant}/" in assert_problem(response, 400, "tenant-required")["detail"]


def test_a_code_of_another_tenant_is_the_same_404_as_an_unknown_code(system: System) -> None:
    theirs = system.start_export({}, HARBOUR).json["code"]
    unknown = "7zzzzzzzzzzzzzzzzzzzzzzzzz"

    path = f"/tenants/{NORTHWIND}{EXPORT}"
    responses = [system.call("GET", f"{path}/{code}", key=NORTHWIND_KEY) for code in (theirs, unknown)]

    first, second = (assert_problem(response, 404, "job-not-found") for response in responses)
    own = dict.fromkeys(("instance", "requestId"))
    assert first | own == second | own
    assert responses[0].headers.keys() == responses[1].headers.keys()
