"""An export over HTTP, from the request to the file."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import duckdb
import polars as pl
import pytest

from exports.request.fields import TargetField
from tests.support.expected import client_records, records
from tests.support.http_client import request
from tests.support.system import HARBOUR, NORTHWIND, NORTHWIND_KEY, System, download

JOB_PROPERTIES = {
    "code",
    "status",
    "totalItems",
    "processedItems",
    "downloadUrl",
    "startedDate",
    "completedDate",
    "createdDate",
}

OUR_PROPERTIES = {
    *("expiryDate", "fileName", "fileSize", "fileStatus", "percentComplete", "estimatedCompletionDate"),
    *("failure", "consistency", "scheduleCode", "snapshotDate", "resumableUntil", "keptItems"),
    *("createdBy", "mappingName", "columnCount", "filter", "request"),
}


@pytest.fixture(scope="module")
def whole_file(system: System) -> bytes:
    """The file with every field of every client of `northwind`."""
    return system.export()


def test_a_small_export_is_201_with_a_location_and_a_link(system: System) -> None:
    response = system.start_export({}, HARBOUR)

    assert response.status == 201
    job = response.json
    assert job["status"] == "Completed"
    assert response.headers["location"] == f"{system.url}/tenants/{HARBOUR}/clients/export/csv/{job['code']}"
    assert len(records(download(job))) == 1_501


def test_an_export_that_is_not_awaited_is_202_with_retry_after(system: System) -> None:
    response = system.start_export({}, HARBOUR, prefer="respond-async")

    assert response.status == 202
    assert int(response.headers["retry-after"]) >= 1
    assert response.json["status"] in ("Queued", "InProgress")
    assert response.json["downloadUrl"] is None
    assert system.wait(response.headers["location"])["status"] == "Completed"


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("respond-async", "respond-async"),
        ("wait=0", "wait=0"),
        ("respond-async, wait=0", "respond-async, wait=0"),
        ("wait=9999", None),
        ("wait=soon, handling=strict", None),
    ],
)
def test_applied_preferences_are_named_and_others_are_ignored(system: System, prefer: str, applied: str | None) -> None:
    response = system.start_export({"filter": {"search": "no client is called this"}}, prefer=prefer)

    assert response.status in (201, 202)
    assert response.headers.get("preference-applied") == applied


def test_prefer_wait_is_applied_together_with_respond_async(system: System) -> None:
    assert system.start_export({}, HARBOUR, prefer="respond-async, wait=60").status == 201


def test_prefer_wait_limits_the_waiting_time(system: System) -> None:
    assert system.start_export({}, HARBOUR, prefer="wait=0").status == 202
    assert system.start_export({}, HARBOUR, prefer="wait=60").status == 201


def test_the_eight_properties_of_a_job_are_always_present(system: System) -> None:
    response = system.start_export({}, HARBOUR, prefer="respond-async")
    ended = system.wait(response.headers["location"])

    assert response.json.keys() >= JOB_PROPERTIES
    assert ended.keys() >= JOB_PROPERTIES


def test_a_job_has_all_properties_of_the_contract_with_null_for_missing_values(system: System) -> None:
    job = system.start_export({}, HARBOUR).json

    assert job.keys() == JOB_PROPERTIES | OUR_PROPERTIES
    assert {name for name in job if job[name] is None} == {
        *("estimatedCompletionDate", "failure", "scheduleCode", "snapshotDate", "resumableUntil", "keptItems"),
        *("mappingName", "request"),
    }
    assert "exactly once" in job["consistency"]


def test_processed_and_total_items_of_a_completed_job_equal_the_rows_of_its_file(system: System) -> None:
    job = system.wait(system.start_async({}))

    rows = records(download(job))[1:]
    assert job["processedItems"] == job["totalItems"] == len(rows) == 4_500
    assert job["fileSize"] == len(download(job))


def test_times_are_utc_and_in_order(system: System) -> None:
    job = system.start_export({}, HARBOUR).json

    times = [job[name] for name in ("createdDate", "startedDate", "completedDate", "expiryDate")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in times)
    assert times == sorted(times)


def test_progress_never_falls_and_never_exceeds_the_total(system: System) -> None:
    location, seen = system.start_async({}), []
    system.wait(location, lambda job: seen.append(job) or job["status"] == "Completed")  # type: ignore[func-returns-value]

    processed = [job["processedItems"] for job in seen]
    assert processed == sorted(processed)
    assert all(job["totalItems"] is None or job["processedItems"] <= job["totalItems"] for job in seen)
    assert all(job["percentComplete"] in (None, *range(100)) for job in seen[:-1])
    assert seen[-1]["percentComplete"] == 100


def test_a_full_export_holds_every_field_of_every_client_in_key_order(whole_file: bytes, database_url: str) -> None:
    exported = records(whole_file)

    assert exported[0] == tuple(field.value for field in TargetField)
    assert exported[1:] == client_records(database_url, NORTHWIND)


def test_the_file_reads_the_same_in_csv_polars_and_duckdb(whole_file: bytes, database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"
    path.write_bytes(whole_file)

    expected = client_records(database_url, NORTHWIND)
    by_polars = pl.read_csv(BytesIO(whole_file), infer_schema=False).rows()
    read = duckdb.sql(
        f"FROM read_csv('{path}', all_varchar=true, header=true, delim=',', quote='\"', escape='\"', new_line='\\r\\n')"
    )
    by_duckdb = read.fetchall() if read else []
    assert [tuple(cell or "" for cell in row) for row in by_polars] == expected
    assert [tuple(cell or "" for cell in row) for row in by_duckdb] == expected


def test_the_file_is_rfc_4180_in_utf_8_with_crlf_and_minimal_quoting(system: System) -> None:
    file = system.export({"columnMappings": [{"csvHeader": "Who, exactly", "targetField": "Name"}]}, HARBOUR)

    assert file.startswith(b'"Who, exactly"\r\n')
    assert not file.startswith(b"\xef\xbb\xbf")
    assert file.endswith(b"\r\n")
    cells = [row[0] for row in records(file)]
    assert file.decode() == "".join(_minimally_quoted(cell) + "\r\n" for cell in cells)


def _minimally_quoted(cell: str) -> str:
    needs = any(letter in cell for letter in ',"\r\n')
    return '"' + cell.replace('"', '""') + '"' if needs else cell


def test_column_mappings_select_columns_order_and_headers(system: System, database_url: str) -> None:
    mappings = [{"csvHeader": "Ref", "targetField": "Code"}, {"csvHeader": "Client", "targetField": "Name"}]
    exported = records(system.export({"columnMappings": mappings}, HARBOUR))

    assert exported[0] == ("Ref", "Client")
    assert exported[1:] == [(client[1], client[0]) for client in client_records(database_url, HARBOUR)]


def test_headers_can_be_left_out(system: System) -> None:
    with_headers = system.export({"includeHeaders": True}, HARBOUR)
    without = system.export({"includeHeaders": False}, HARBOUR)

    assert without == with_headers.split(b"\r\n", 1)[1]


@pytest.mark.parametrize(
    ("filter_", "where"),
    [
        ({"statuses": ["Active", "Prospect"]}, "status IN ('Active', 'Prospect')"),
        ({"types": ["SoleTrader"]}, "type = 'SoleTrader'"),
        ({"statuses": ["Active"], "types": ["Charity", "Trust"]}, "status = 'Active' AND type IN ('Charity', 'Trust')"),
        ({"statuses": [], "types": []}, "1"),
        ({"managerCodes": ["no-such-code"]}, "0"),
    ],
)
def test_a_filter_exports_exactly_the_matching_clients(
    system: System, database_url: str, filter_: dict[str, object], where: str
) -> None:
    exported = records(system.export({"filter": filter_}, HARBOUR))

    assert exported[1:] == client_records(database_url, HARBOUR, where)


def test_an_export_of_no_clients_is_a_file_with_only_the_header(system: System) -> None:
    job = system.start_export({"filter": {"search": "no client is called this"}}).json

    assert (job["status"], job["totalItems"], job["processedItems"]) == ("Completed", 0, 0)
    assert len(records(download(job))) == 1


def test_an_empty_export_without_headers_is_an_empty_file(system: System) -> None:
    job = system.start_export({"filter": {"search": "no client is called this"}, "includeHeaders": False}).json

    assert download(job) == b""


def test_a_link_only_reads_and_opens_one_file_only(system: System) -> None:
    job = system.start_export({}, HARBOUR).json
    url = job["downloadUrl"]

    assert "sp=r&" in url
    assert "sr=b&" in url
    assert request("DELETE", url, headers={"x-ms-version": "2021-12-02"}).status == 403
    assert request("GET", re.sub(r"clients-[^?]+", "plan.json", url)).status == 403


def test_the_download_has_the_name_and_media_type_of_a_csv_file(system: System) -> None:
    job = system.start_export({}, HARBOUR).json
    response = request("GET", job["downloadUrl"])

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == f'attachment; filename="{job["fileName"]}"'


def test_the_short_route_takes_the_tenant_from_the_key(system: System) -> None:
    response = system.call("POST", "/clients/export/csv", {}, key=NORTHWIND_KEY)

    assert response.status == 201
    assert response.json["totalItems"] == 4_500
    assert system.call("GET", response.headers["location"], key=NORTHWIND_KEY).json["code"] == response.json["code"]


def test_simultaneous_exports_do_not_mix(system: System, database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(lambda tenant: system.export({}, tenant), [NORTHWIND, HARBOUR] * 2))

    expected = {tenant: client_records(database_url, tenant) for tenant in (NORTHWIND, HARBOUR)}
    assert [records(file)[1:] for file in files] == [expected[NORTHWIND], expected[HARBOUR]] * 2


def test_nothing_is_readable_without_a_link(system: System) -> None:
    url = system.start_export({}, HARBOUR).json["downloadUrl"]

    assert request("GET", url.partition("?")[0]).status in (403, 404)
