"""Existing jobs over HTTP: list, cancel, resume, download, manifest."""

from __future__ import annotations

import hashlib
import http.client
import itertools
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.e2e.test_bad_input import assert_problem
from tests.support.expected import client_records, records
from tests.support.http_client import request
from tests.support.system import EXPORT, HARBOUR, KEY, NORTHWIND, System, download

JOBS = f"/tenants/{HARBOUR}{EXPORT}"
SMALL = {"filter": {"search": "no client is called this"}}


def listed(system: System, **query: Any) -> Any:
    response = system.call("GET", f"{JOBS}?{urlencode(query, doseq=True)}")
    assert response.status == 200, response
    return response.json


def no_redirect(url: str, key: str) -> tuple[int, dict[str, str]]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("GET", parts.path, headers={"x-api-key": key})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}


def test_the_list_is_sorted_from_new_to_old(system: System) -> None:
    started = [system.start_export(SMALL, HARBOUR).json["code"] for _ in range(3)]

    assert [job["code"] for job in listed(system, limit=3)["data"]] == started[::-1]


@pytest.mark.thorough
def test_a_list_can_be_read_to_its_end_without_gaps_or_repeats(system: System) -> None:
    started = {system.start_export(SMALL, HARBOUR).json["code"] for _ in range(5)}
    codes: list[str] = []
    query: dict[str, Any] = {"limit": 4}  # other tests have started hundreds
    while True:
        listing = listed(system, **query)
        assert len(listing["data"]) <= listing["limit"] == 4
        codes += [job["code"] for job in listing["data"]]
        if not listing["hasMore"]:
            break
        query["continuationToken"] = listing["continuationToken"]

    assert listing["continuationToken"] is None
    assert len(codes) == len(set(codes))
    assert codes == sorted(codes)
    assert started <= set(codes)


def test_the_list_can_be_filtered_by_several_statuses(system: System) -> None:
    system.start_export(SMALL, HARBOUR)
    system.start_and_cancel({}, HARBOUR)

    assert {job["status"] for job in listed(system, status=["Completed"])["data"]} == {"Completed"}
    both = {job["status"] for job in listed(system, status=["Cancelled", "Completed"], limit=100)["data"]}
    assert both == {"Cancelled", "Completed"}


def test_the_list_can_be_filtered_by_caller_and_searched(system: System) -> None:
    started = system.start_export({**SMALL, "format": {"fileName": "Winter report"}}, HARBOUR).json
    assert (started["createdBy"], started["columnCount"], started["filter"]["search"]) == (
        "test",
        67,
        SMALL["filter"]["search"],
    )

    assert [job["code"] for job in listed(system, createdBy="test", limit=1)["data"]] == [started["code"]]
    assert listed(system, createdBy="nobody")["data"] == []
    assert [job["code"] for job in listed(system, search="WINTER rep")["data"]] == [started["code"]]
    shown = system.call("GET", f"{JOBS}/{started['code']}").json
    assert len(shown["request"]["columns"]) == 67
    assert listed(system, search="winter")["data"][0]["request"] is None


def test_the_list_of_a_tenant_has_no_job_of_another_tenant(system: System) -> None:
    theirs = system.start_export(SMALL, NORTHWIND).json["code"]

    assert theirs not in {job["code"] for job in listed(system, limit=100)["data"]}


@pytest.mark.parametrize(
    "query",
    [
        {"search": ""},
        {"search": "a\0b"},
        {"createdBy": "a\n"},
        {"createdBy": "x" * 201},
        {"scheduleCode": ""},
        {"limit": 0},
        {"limit": 101},
        {"limit": "many"},
        {"limit": "٣"},
        {"status": "Done"},
        {"continuationToken": "x"},
    ],
)
def test_a_wrong_query_is_400(system: System, query: dict[str, Any]) -> None:
    assert_problem(system.call("GET", f"{JOBS}?{urlencode(query)}"), 400, "invalid-query")


@pytest.mark.parametrize("query", ["statuses=Failed", "limit=5&Status=Failed", "=", "x"])
def test_an_unknown_query_parameter_is_400(system: System, query: str) -> None:
    problem = assert_problem(system.call("GET", f"{JOBS}?{query}"), 400, "invalid-query")
    assert "continuationToken, createdBy, limit, scheduleCode, search, status" in problem["detail"]


def test_a_cancelled_job_stays_cancelled_and_has_no_link(system: System) -> None:
    location, response = system.start_and_cancel()

    assert (response.status, response.json["status"], response.json["downloadUrl"]) == (200, "Cancelled", None)
    assert response.json["completedDate"]
    time.sleep(1.5)
    assert system.job(location)["status"] == "Cancelled"
    assert_problem(system.call("GET", f"{location}/download"), 409, "not-completed")


def test_cancelling_twice_gives_the_same_job(system: System) -> None:
    location, first = system.start_and_cancel()
    second = system.call("DELETE", location)

    assert second.status == 200
    assert second.json["completedDate"] == first.json["completedDate"]


def test_an_ended_job_cannot_be_cancelled(system: System) -> None:
    location = system.start_export(SMALL).headers["location"]

    assert_problem(system.call("DELETE", location), 409, "already-ended")


def test_a_download_redirects_to_a_fresh_link(system: System, database_url: str) -> None:
    location = system.start_export({}, HARBOUR).headers["location"]
    status, headers = no_redirect(f"{location}/download", KEY)

    assert status == 302
    assert headers["cache-control"] == "no-store"
    file = request("GET", headers["location"]).body
    assert records(file)[1:] == client_records(database_url, HARBOUR)


@pytest.fixture(scope="module")
def proved(system: System) -> tuple[Any, Any]:
    """A completed job of several pages, and its manifest."""
    job = system.wait(system.start_async({}))
    return job, system.call("GET", f"/tenants/{NORTHWIND}{EXPORT}/{job['code']}/manifest").json


def test_the_manifest_proves_the_file_page_by_page(proved: tuple[Any, Any]) -> None:
    job, manifest = proved
    file, at = download(job), 0

    assert (manifest["rows"], manifest["bytes"]) == (job["totalItems"], len(file))
    assert len(manifest["pages"]) > 4
    for page in manifest["pages"]:
        piece, at = file[at : at + page["bytes"]], at + page["bytes"]
        assert hashlib.sha256(piece).hexdigest() == page["sha256"]
        assert f"{zlib.crc32(piece):08x}" == page["crc32"]
        assert page["attempt"] == 1
    assert at == len(file)
    assert manifest["crc32"] == f"{zlib.crc32(file):08x}"


def test_the_manifest_shows_the_costs_of_the_job(proved: tuple[Any, Any]) -> None:
    _, manifest = proved
    cost, pages = manifest["cost"], len(manifest["pages"])
    requests = cost["storageRequests"]
    assert requests["blobWrite"] >= pages + 2  # a block for each page, the plan, the block list
    assert requests["tableWrite"] >= pages
    assert requests["tableRead"] >= 2 * pages
    assert manifest["bytes"] <= cost["bytesSent"] <= manifest["bytes"] + 500_000
    assert cost["functionSeconds"] > 0


def test_a_downloaded_file_has_its_job_rows_and_crc_as_metadata(system: System) -> None:
    job = system.start_export({}, HARBOUR).json
    response = request("GET", job["downloadUrl"])

    metadata = {name: response.headers[f"x-ms-meta-{name}"] for name in ("job", "rows", "crc32")}
    assert metadata == {"job": job["code"], "rows": "1500", "crc32": f"{zlib.crc32(response.body):08x}"}


def test_the_key_ranges_of_the_manifest_tile_the_key_space(proved: tuple[Any, Any]) -> None:
    pages = proved[1]["pages"]

    assert pages[0]["start"] is None
    assert pages[-1]["stop"] is None
    assert all(page["stop"] == following["start"] for page, following in itertools.pairwise(pages))


@pytest.mark.parametrize("part", ["download", "manifest"])
def test_an_incomplete_file_cannot_be_downloaded(system: System, part: str) -> None:
    location, _ = system.start_and_cancel()

    assert_problem(system.call("GET", f"{location}/{part}"), 409, "not-completed")


def test_an_unchanged_status_is_304(system: System) -> None:
    location = system.start_export(SMALL).headers["location"]
    first = system.call("GET", location)
    again = system.call("GET", location, if_none_match=first.headers["etag"])

    assert (again.status, again.body) == (304, b"")
    assert [again.headers[name] for name in ("etag", "cache-control")] == [first.headers["etag"], "no-store"]
    assert again.headers["etag"] == first.headers["etag"]
    assert system.call("GET", location, if_none_match='"another"').status == 200


def test_the_etag_changes_with_the_job(system: System) -> None:
    location = system.start_async({})
    before = system.call("GET", location).headers["etag"]
    system.wait(location)

    assert system.call("GET", location).headers["etag"] != before


def test_the_same_idempotency_key_and_body_lead_to_the_same_job(system: System) -> None:
    responses = [
        system.start_export(body, idempotency_key="one") for body in (SMALL, {**SMALL, "includeHeaders": True})
    ]

    assert len({response.json["code"] for response in responses}) == 1


def test_an_idempotency_key_with_another_body_is_422(system: System) -> None:
    system.start_export(SMALL, idempotency_key="two")

    assert_problem(system.start_export({}, idempotency_key="two"), 422, "idempotency-key-reused")


def test_two_tenants_may_use_the_same_idempotency_key(system: System) -> None:
    responses = [system.start_export(SMALL, tenant, idempotency_key="three") for tenant in (NORTHWIND, HARBOUR)]

    assert len({response.json["code"] for response in responses}) == 2


def test_two_hundred_simultaneous_identical_posts_start_one_job(system: System) -> None:
    def start(_: int) -> Any:
        return system.start_export(SMALL, HARBOUR, idempotency_key="at once", prefer="respond-async")

    with ThreadPoolExecutor(40) as pool:
        responses = list(pool.map(start, range(200)))

    assert {response.status for response in responses} <= {201, 202}
    (code,) = {response.json["code"] for response in responses}
    system.wait(responses[0].headers["location"])
    assert len([line for line in system.log.splitlines() if "event=job.started " in line and code in line]) == 1


@pytest.mark.parametrize("key", [" ", "x" * 256, "é"])
def test_a_malformed_idempotency_key_is_400(system: System, key: str) -> None:
    raw = key.encode("utf-8").decode("latin-1")

    assert_problem(system.start_export(SMALL, idempotency_key=raw), 400, "invalid-header")


def test_a_cancelled_job_that_is_resumed_completes_with_the_whole_file(system: System, database_url: str) -> None:
    location, cancelled = system.start_and_cancel(when=lambda job: job["processedItems"] > 0)
    assert cancelled.json["resumableUntil"] > cancelled.json["completedDate"]
    assert cancelled.json["keptItems"] >= cancelled.json["processedItems"] > 0

    response = system.call("POST", f"{location}/resume")
    job = system.wait(location)

    assert (response.status, response.json["status"]) == (202, "Queued")
    assert response.headers["location"] == location
    assert response.headers["retry-after"]
    assert job["status"] == "Completed"
    assert records(download(job))[1:] == client_records(database_url, NORTHWIND)
    pages = system.call("GET", f"{location}/manifest").json["pages"]
    assert {page["attempt"] for page in pages} <= {1, 2}
    kept = sum(page["rows"] for page in pages if page["attempt"] == 1)
    assert kept >= response.json["keptItems"] >= cancelled.json["keptItems"]
    assert response.json["processedItems"] >= cancelled.json["processedItems"]


def test_a_completed_job_cannot_be_resumed(system: System) -> None:
    location = system.start_export(SMALL).headers["location"]

    assert_problem(system.call("POST", f"{location}/resume"), 409, "not-resumable")
