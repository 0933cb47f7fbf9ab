"""Every format over HTTP: content, name and media type of the file, and the estimate before the export."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import polars as pl
import pytest

from exports.request.fields import TargetField
from tests.e2e.test_bad_input import assert_problem
from tests.support.expected import client_records, records
from tests.support.http_client import Response, request
from tests.support.system import EXPORT, HARBOUR, KEY, NORTHWIND, System, download

COLUMNS = [{"csvHeader": name, "targetField": name} for name in ("Code", "Name", "Telephone", "CompanyNumber")]
MARK = b"\xef\xbb\xbf"
INJECTIONS = (
    "' OR '1'='1",
    "'; DROP TABLE clients; --",
    '" OR ""="',
    "1); DELETE FROM clients WHERE (1=1",
    "\\'; SELECT pg_sleep(10); --",
    "' UNION SELECT * FROM sqlite_master --",
    "{code}' || '",
)


def _job(system: System, body: dict[str, Any], tenant: str = HARBOUR) -> Any:
    job = system.wait(system.start_async(body, tenant))
    assert job["status"] == "Completed", job
    return job


def _estimate(system: System, body: Any, tenant: str = HARBOUR, key: str | None = KEY) -> Response:
    return system.call("POST", f"/tenants/{tenant}{EXPORT}/estimate", body, key=key)


@pytest.fixture(scope="module")
def compressed(system: System) -> tuple[Any, Response]:
    """A job whose file is compressed and has several pages, and the download of its file."""
    job = _job(system, {"format": {"compression": "gzip"}}, NORTHWIND)
    return job, request("GET", job["downloadUrl"])


def test_a_gzip_file_has_the_plain_content_in_one_member_per_page(
    compressed: tuple[Any, Response], database_url: str
) -> None:
    job, response = compressed

    assert job["fileName"].endswith(".csv.gz")
    assert job["fileSize"] == len(response.body)
    assert response.headers["content-type"] == "application/gzip"
    assert "content-encoding" not in response.headers
    unpacked = gzip.decompress(response.body)
    assert records(unpacked)[1:] == client_records(database_url, NORTHWIND)
    assert pl.read_csv(io.BytesIO(response.body), infer_schema=False).height == job["totalItems"] == 4_500
    assert response.body.count(b"\x1f\x8b\x08\x00\x00\x00\x00\x00") > 1


def test_pandas_reads_every_member_of_a_gzip_file(
    compressed: tuple[Any, Response], database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "clients.csv.gz"
    file.write_bytes(compressed[1].body)
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)

    assert list(frame.columns) == [field.value for field in TargetField]
    assert [tuple(row) for row in frame.to_numpy()] == [tuple(row) for row in client_records(database_url, NORTHWIND)]


def test_an_empty_gzip_export_is_a_valid_gzip_file(system: System) -> None:
    body = {
        "filter": {"search": "no client is called this"},
        "includeHeaders": False,
        "format": {"compression": "gzip"},
    }

    assert gzip.decompress(download(_job(system, body))) == b""


@pytest.mark.parametrize(("preset", "delimiter"), [("excel", ","), ("excelEu", ";")])
def test_the_excel_presets_write_a_byte_order_mark_delimiter_and_leading_zeros(
    system: System, database_url: str, preset: str, delimiter: str
) -> None:
    file = system.export({"format": {"preset": preset}, "columnMappings": COLUMNS}, HARBOUR)

    assert file.startswith(MARK + delimiter.join(("Code", "Name", "Telephone", "CompanyNumber")).encode() + b"\r\n")
    exported = records(file.removeprefix(MARK), delimiter)[1:]
    assert [row[0] for row in exported] == [client[1] for client in client_records(database_url, HARBOUR)]
    numbers = [row[3] for row in exported if row[3]]
    assert any(number.startswith('="0') for number in numbers)
    assert not any(number.startswith("0") for number in numbers)


def test_explicit_options_override_the_preset(system: System) -> None:
    wanted = {"preset": "excelEu", "delimiter": "|", "lineEnding": "lf", "byteOrderMark": False, "quoting": "all"}
    file = system.export({"format": wanted, "columnMappings": COLUMNS}, HARBOUR)

    assert file.startswith(b'"Code"|"Name"|"Telephone"|"CompanyNumber"\n"')
    assert len(records(file, "|")) == 1_501


def test_tabs_separate_a_tsv_file(system: System, database_url: str) -> None:
    job = _job(system, {"format": {"preset": "tsv", "fileName": "all clients"}})
    response = request("GET", job["downloadUrl"])

    assert job["fileName"] == "all clients.tsv"
    assert response.headers["content-type"] == "text/tab-separated-values; charset=utf-8"
    assert len(records(response.body, "\t")) == len(client_records(database_url, HARBOUR)) + 1


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("Kunden für März: 日本語 👩‍👩‍👧", "Kunden für März_ 日本語 👩‍👩‍👧.csv"),
        ("../..\\plan.json\r\nX-Evil: 1", "_.._plan.json__X-Evil_ 1.csv"),
        ("50 % #1 & 'more'", "50 % #1 & 'more'.csv"),
    ],
)
def test_a_file_is_downloaded_with_its_safe_name(system: System, wanted: str, name: str) -> None:
    job = _job(system, {"format": {"fileName": wanted}, "columnMappings": COLUMNS})
    response = request("GET", job["downloadUrl"])

    assert job["fileName"] == name
    assert response.status == 200
    assert len(records(response.body)) == 1_501
    disposition = response.headers["content-disposition"]
    assert name.isascii() or disposition.endswith(f"filename*=UTF-8''{quote(name, safe='')}")
    assert "\n" not in disposition
    assert "x-evil" not in response.headers


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"preset": "calc"}, "/format/preset"),
        ({"delimiter": "::"}, "/format/delimiter"),
        ({"byteOrderMark": "yes"}, "/format/byteOrderMark"),
        ({"encoding": "latin1"}, "/format/encoding"),
        ({"fileName": ""}, "/format/fileName"),
    ],
)
def test_a_wrong_format_is_400_with_a_pointer(system: System, wanted: dict[str, Any], pointer: str) -> None:
    document = assert_problem(system.start_export({"format": wanted}), 400, "invalid-request")

    assert [fault["pointer"] for fault in document["errors"]] == [pointer]


@pytest.mark.parametrize(
    "text", [*INJECTIONS[:2], *(pytest.param(each, marks=pytest.mark.thorough) for each in INJECTIONS[2:])]
)
def test_sql_in_a_search_or_filter_is_treated_as_text(system: System, text: str) -> None:
    for filter_ in ({"search": text}, {"managerCodes": [text], "teamCodes": [text], "serviceCodes": [text]}):
        job = system.start_export({"filter": filter_, "columnMappings": COLUMNS}, HARBOUR).json
        assert (job["status"], job["totalItems"]) == ("Completed", 0)


def test_an_estimate_is_close_to_the_real_export(system: System) -> None:
    for given in ({}, {"compression": "gzip"}, {"preset": "excel"}):
        estimate = _estimate(system, {"format": given}).json
        job = _job(system, {"format": given})
        assert estimate["rows"] == job["totalItems"]
        assert estimate["bytes"] == pytest.approx(job["fileSize"], rel=0.1)
        assert estimate["pages"] >= 1
        assert estimate["seconds"] > 0


def test_an_estimate_warns_by_column_and_starts_nothing(system: System) -> None:
    before = system.call("GET", f"/tenants/{HARBOUR}{EXPORT}?limit=1").json["data"]
    plain = {warning["code"]: warning for warning in _estimate(system, {}).json["warnings"]}
    excel = {warning["code"] for warning in _estimate(system, {"format": {"preset": "excel"}}).json["warnings"]}
    after = system.call("GET", f"/tenants/{HARBOUR}{EXPORT}?limit=1").json["data"]

    assert "CompanyNumber" in plain["excel-changes-cells"]["columns"]
    assert plain["guard-changes-cells"]["columns"]
    assert "excel-changes-cells" not in excel
    assert [job["code"] for job in before] == [job["code"] for job in after]


def test_an_estimate_is_refused_for_the_same_reasons_as_an_export(system: System) -> None:
    assert_problem(_estimate(system, {}, key=None), 401, "invalid-api-key")
    assert_problem(_estimate(system, {"mappingCode": "no-such-mapping"}), 400, "invalid-request")
    assert_problem(_estimate(system, {"format": {"preset": "calc"}}), 400, "invalid-request")
    assert_problem(_estimate(system, {}, tenant="someone-else"), 403, "forbidden")
