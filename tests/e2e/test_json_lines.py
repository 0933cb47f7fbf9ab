"""JSON Lines over HTTP: content, name, media type, estimate, and options that the format does not have."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import polars as pl
import pytest

from tests.e2e.test_bad_input import assert_problem
from tests.support.expected import records
from tests.support.http_client import request
from tests.support.system import EXPORT, HARBOUR, NORTHWIND, System
from tests.support.workbooks import as_text

BODY: dict[str, Any] = {"format": {"preset": "jsonl"}}


def _objects(file: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in io.BytesIO(file)]


def test_json_lines_of_several_pages_show_what_the_csv_file_shows(system: System) -> None:
    location = system.start_async({"format": {"preset": "jsonl", "fileName": "All clients.csv"}}, NORTHWIND)
    job = system.wait(location)
    response = request("GET", job["downloadUrl"])

    assert (job["status"], job["fileName"], job["fileSize"]) == ("Completed", "All clients.jsonl", len(response.body))
    assert response.headers["content-type"] == "application/x-ndjson"
    assert len(system.call("GET", f"{location}/manifest").json["pages"]) > 1
    header, *expected = records(system.export({"format": {"formulaGuard": False}}, NORTHWIND))
    found = _objects(response.body)
    assert len(found) == job["totalItems"] == 4_500
    assert all(tuple(each) == header for each in found)
    assert [tuple(map(as_text, each.values())) for each in found] == expected


def test_compressed_json_lines_hold_the_same_lines_and_polars_reads_them(system: System) -> None:
    plain = system.export(BODY, HARBOUR)
    job = system.wait(system.start_async({"format": {"preset": "jsonl", "compression": "gzip"}}, HARBOUR))
    response = request("GET", job["downloadUrl"])

    assert job["fileName"].endswith(".jsonl.gz")
    assert response.headers["content-type"] == "application/gzip"
    assert gzip.decompress(response.body) == plain
    assert pl.read_ndjson(io.BytesIO(plain), infer_schema_length=None).height == job["totalItems"]


def test_the_keys_are_the_headers_of_the_columns_in_their_order(system: System) -> None:
    columns = [
        {"csvHeader": "Our “code”", "targetField": "Code"},
        {"csvHeader": "VAT?", "targetField": "VatRegistered"},
    ]
    found = _objects(system.export({**BODY, "columnMappings": columns}, HARBOUR))

    assert {tuple(each) for each in found} == {("Our “code”", "VAT?")}
    assert {each["VAT?"] for each in found} <= {True, False, None}


def test_an_export_of_no_clients_as_json_lines_is_an_empty_file(system: System) -> None:
    assert system.export({**BODY, "filter": {"search": "no client is called this"}}, HARBOUR) == b""


def test_the_estimate_of_json_lines_is_near_their_size(system: System) -> None:
    estimate = system.call("POST", f"/tenants/{HARBOUR}{EXPORT}/estimate", BODY).json

    assert estimate["bytes"] == pytest.approx(len(system.export(BODY, HARBOUR)), rel=0.1)
    assert estimate["warnings"] == []


def test_options_that_json_lines_do_not_have_are_400_with_a_pointer_each(system: System) -> None:
    form = {"preset": "jsonl", "delimiter": ";", "byteOrderMark": True, "quoting": "all", "formulaGuard": True}
    response = system.call("POST", f"/tenants/{HARBOUR}{EXPORT}", {"format": form, "includeHeaders": False})

    assert_problem(response, 400, "invalid-request")
    pointers = {error["pointer"] for error in response.json["errors"]}
    assert pointers == {*(f"/format/{name}" for name in form if name != "preset"), "/includeHeaders"}


def test_a_schedule_of_json_lines_can_be_saved_as_it_was_read(system: System) -> None:
    body = {"name": "Lines", "cron": "30 6 1 1 *", "enabled": False, "request": BODY}
    created = system.call("POST", f"/tenants/{HARBOUR}/clients/export/schedules", body)
    location = created.headers["location"]
    assert created.json["request"]["format"]["formulaGuard"] is False

    assert system.call("PUT", location, {**body, "request": created.json["request"]}).status == 200
    assert system.call("DELETE", location).status == 204
