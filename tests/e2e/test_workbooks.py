"""Workbooks over HTTP: content, name, media type, estimate, and options that a workbook does not have."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from tests.e2e.test_bad_input import assert_problem
from tests.support.expected import records
from tests.support.http_client import request
from tests.support.system import EXPORT, HARBOUR, NORTHWIND, System
from tests.support.workbooks import as_text, read_with_calamine, read_with_openpyxl, validate

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BODY: dict[str, Any] = {"format": {"preset": "xlsx", "fileName": "All clients.csv", "formulaGuard": False}}


def test_a_workbook_of_several_pages_shows_what_its_csv_file_shows(system: System) -> None:
    location = system.start_async(BODY, NORTHWIND)
    job = system.wait(location)
    response = request("GET", job["downloadUrl"])

    assert (job["status"], job["fileName"], job["fileSize"]) == ("Completed", "All clients.xlsx", len(response.body))
    assert response.headers["content-type"] == MEDIA_TYPE
    manifest = system.call("GET", f"{location}/manifest").json
    assert len(manifest["pages"]) > 1
    assert [frame["beforePage"] for frame in manifest["frames"]] == [0, len(manifest["pages"])]
    assert zipfile.ZipFile(io.BytesIO(response.body)).testzip() is None
    expected = records(system.export({"format": {"formulaGuard": False}}, NORTHWIND))
    assert len(expected) == 4_501
    for read in (read_with_openpyxl, read_with_calamine):
        (sheet,) = read(response.body)
        assert [[as_text(cell) for cell in row] for row in sheet] == [list(record) for record in expected]


def test_microsofts_sdk_finds_no_error_in_a_workbook_of_the_service(system: System, tmp_path: Path) -> None:
    file = tmp_path / "clients.xlsx"
    file.write_bytes(system.export({**BODY, "filter": {"statuses": ["Prospect"]}}, HARBOUR))
    assert validate(file) == ""


def test_the_estimate_of_a_workbook_is_near_its_size(system: System) -> None:
    estimate = system.call("POST", f"/tenants/{HARBOUR}{EXPORT}/estimate", BODY).json
    size = len(system.export(BODY, HARBOUR))

    assert 0.9 * size <= estimate["bytes"] <= 1.1 * size


def test_options_of_csv_with_a_workbook_are_400_with_a_pointer_each(system: System) -> None:
    body = {"format": {"preset": "xlsx", "delimiter": ";", "byteOrderMark": True, "compression": "gzip"}}
    response = system.call("POST", f"/tenants/{HARBOUR}{EXPORT}", body)

    assert_problem(response, 400, "invalid-request")
    pointers = [error["pointer"] for error in response.json["errors"]]
    assert pointers == ["/format/delimiter", "/format/byteOrderMark", "/format/compression"]
