"""Requests to storage get the names that schedules use, and writes of job rows are parsed."""

from __future__ import annotations

import pytest

from tests.chaos.operations import (
    JobWrite,
    blob_operation,
    first_of_transaction,
    is_conditional,
    is_of_task_hub,
    is_refused_transaction,
    job_write,
    table_operation,
)

BLOB = "/devstoreaccount1/exports/northwind/code/clients.csv"
CONTAINER = "/devstoreaccount1/exports"
ROW = "/devstoreaccount1/exportjobs(PartitionKey='northwind',RowKey='code')"
VALUES = b'"status": "InProgress", "attempt": 2, "totalItems": "4500", "settledItems": "1500"'


@pytest.mark.parametrize(
    ("method", "path", "query", "name"),
    [
        ("PUT", BLOB, "comp=block&blockid=MDAw", "put block"),
        ("PUT", BLOB, "comp=blocklist", "put blocklist"),
        ("GET", BLOB, "comp=blocklist&blocklisttype=all", "get blocklist"),
        ("PUT", BLOB, "", "put blob"),
        ("GET", BLOB, "se=2026&sig=x", "get blob"),
        ("HEAD", BLOB, "", "head blob"),
        ("DELETE", BLOB, "", "delete blob"),
        ("PUT", CONTAINER, "restype=container", "put container"),
        ("GET", CONTAINER, "restype=container&comp=list", "get container list"),
    ],
)
def test_a_request_to_the_blob_service_gets_a_name(method: str, path: str, query: str, name: str) -> None:
    assert blob_operation(method, path, query) == name


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/devstoreaccount1/Tables", "post tables"),
        ("POST", "/devstoreaccount1/exportjobs", "insert exportjobs"),
        ("GET", "/devstoreaccount1/exportjobs()", "query exportjobs"),
        ("GET", ROW, "find exportjobs"),
        ("PUT", ROW, "update exportjobs"),
        ("PATCH", ROW.replace("'", "%27"), "update exportjobs"),
        ("DELETE", ROW, "delete exportjobs"),
        ("POST", "/devstoreaccount1/$batch", "post $batch"),
    ],
)
def test_a_request_to_the_table_service_gets_a_name(method: str, path: str, name: str) -> None:
    assert table_operation(method, path) == name


def test_a_write_of_a_job_is_parsed_with_keys_in_path_or_body() -> None:
    expected = JobWrite(1.0, "northwind", "code", "InProgress", 2, 4500, 1500)
    keys = b'"PartitionKey": "northwind", "RowKey": "code", '

    assert job_write("update exportjobs", ROW, b"{%s}" % VALUES, 1.0) == expected
    assert job_write("insert exportjobs", "/a/exportjobs", b"{%s%s}" % (keys, VALUES), 1.0) == expected
    assert job_write("update exportpages", ROW, b"{}", 1.0) is None


@pytest.mark.parametrize(
    ("method", "path", "name"), [("POST", "/a/exportjobs", "insert exportjobs"), ("PUT", ROW, "update exportjobs")]
)
def test_a_transaction_has_the_name_of_its_first_operation(method: str, path: str, name: str) -> None:
    head = "--batch\r\nContent-Type: multipart/mixed\r\n\r\n--change\r\nContent-Type: application/http\r\n\r\n"
    row = f"{method} http://host:1{path}?timeout=5 HTTP/1.1\r\nContent-Length: 3\r\n\r\n{{1}}\r\n--change\r\n"
    other = "PUT http://host:1/a/other HTTP/1.1\r\n\r\n{2}\r\n--change--"
    found = first_of_transaction("POST", "/devstoreaccount1/$batch", (head + row + other).encode())
    assert found == (method, path, b"{1}")
    assert table_operation(*found[:2]) == name


@pytest.mark.parametrize(
    ("path", "status", "refused"),
    [
        ("/devstoreaccount1/$batch", b"412 Precondition Failed", True),
        ("/devstoreaccount1/$batch", b"204 No Content", False),
        (ROW, b"412 Precondition Failed", False),
    ],
)
def test_a_transaction_with_an_error_inside_was_refused(path: str, status: bytes, refused: bool) -> None:
    answer = b"--batch\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 " + status + b"\r\nx: y\r\n\r\n"
    assert is_refused_transaction(path, answer) is refused


def test_a_write_that_matches_any_version_has_no_condition() -> None:
    assert is_conditional({"If-Match": 'W/"1"'})
    assert not is_conditional({"If-Match": "*"})
    assert not is_conditional({})


@pytest.mark.parametrize("name", ["ClientExportInstances(PartitionKey='a',RowKey='')", "clientexport-leases/default/0"])
def test_requests_of_the_durable_extension_do_not_count_as_requests_of_the_app(name: str) -> None:
    assert is_of_task_hub(f"/devstoreaccount1/{name}")
    assert not any(map(is_of_task_hub, (BLOB, CONTAINER, ROW, "/devstoreaccount1", "/")))
